package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"usher/internal/buildinfo"
	"usher/internal/server"
)

func (a *app) serveCommand() *cobra.Command {
	rows := serverSettings()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the server",
		Long: "Starts the server and serves until it is interrupted (SIGINT or SIGTERM), then\n" +
			"answers the requests under way and stops. It needs no configuration.\n\n" +
			"Each flag has a variable of the environment; a flag beats its variable, and an\n" +
			"empty variable counts as absent. The log goes to standard error.",
		Example: "  usher serve\n" +
			"  usher serve --listen 0.0.0.0:443 --tls-cert-file cert.pem --tls-key-file key.pem\n" +
			"  USHER_DATABASE_URL_FILE=/run/secrets/database usher serve",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := a.readSettings(cmd, rows)
			if err != nil {
				return err
			}
			return a.serve(cmd, options)
		},
	}
	addSettings(cmd.Flags(), rows)
	cmd.Flags().SortFlags = false
	return cmd
}

func (a *app) serve(cmd *cobra.Command, options serverOptions) error {
	config := options.config
	config.Log = a.logger(options)
	config.OnReady = func(ready server.Ready) { a.welcome(ready, config.DatabaseURL == "") }
	return server.Run(cmd.Context(), config)
}

func (a *app) logger(options serverOptions) *slog.Logger {
	handlerOptions := &slog.HandlerOptions{Level: options.logLevel}
	if options.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.Err, handlerOptions))
	}
	return slog.New(slog.NewTextHandler(a.Err, handlerOptions))
}

// welcome says where the server is and what to do next.
func (a *app) welcome(ready server.Ready, embedded bool) {
	a.printf("Usher %s is ready at %s\n", buildinfo.Version(), ready.URL)
	if embedded {
		a.printf("Its data is in %s\n", ready.DataDir)
	}
	if ready.HasUsers {
		a.printf("\nLog in with:\n\n    usher login %s\n\n", ready.URL)
		return
	}
	a.printf("\nThere are no users yet. Create the first one, who becomes the owner, in a browser at\n%s/setup, or with:\n\n    usher login %s\n\n", ready.URL, ready.URL)
}
