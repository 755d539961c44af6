package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"usher/internal/server"
)

func (a *app) doctorCommand() *cobra.Command {
	rows := serverSettings()
	var output format
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what is wrong with a deployment, and say what to do",
		Long: "Looks at everything that a server with these settings needs: the database and its\n" +
			"schema, the clocks, the encryption key file, the cookies for the access URL, the\n" +
			"certificate, the identity providers and the mail server. It changes nothing, and\n" +
			"a server may be running beside it.\n\n" +
			"It needs the settings that the server is started with, and the rights of the user\n" +
			"that runs it. The exit status is 1 where there is a problem; warnings alone leave\n" +
			"it at 0.",
		Example: "  usher doctor --data-dir /var/lib/usher --access-url https://usher.example.com\n" +
			"  systemd-run --pipe -p EnvironmentFile=/etc/usher/env usher doctor -o json",
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := a.readSettings(cmd, rows)
			if err != nil {
				return err
			}
			findings, err := options.config.Examine(cmd.Context())
			if err != nil {
				return err
			}
			return a.printFindings(output, findings)
		},
	}
	addSettings(cmd.Flags(), rows)
	output.addFlag(cmd)
	cmd.Flags().SortFlags = false
	return cmd
}

// printFindings ends with an error where there is a problem.
func (a *app) printFindings(output format, findings []server.Finding) error {
	problems := 0
	err := a.print(output, findings, func(w io.Writer) {
		for _, f := range findings {
			writeRow(w, string(f.Verdict), f.Part, f.Found)
			if f.Advice != "" {
				writeRow(w, "", "", "→ "+f.Advice)
			}
		}
	})
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Verdict == server.Problem {
			problems++
		}
	}
	if problems > 0 {
		return fmt.Errorf("%s found", count(problems, "problem"))
	}
	return nil
}
