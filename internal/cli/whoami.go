package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/internal/buildinfo"
	"usher/sdk"
)

// versionTimeout is how long "usher version" waits for the server: the client's
// version is an answer already.
const versionTimeout = 5 * time.Second

func (a *app) whoamiCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Show who you are logged in as",
		Args:  takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client()
			if err != nil {
				return err
			}
			me, err := client.User(cmd.Context(), sdk.Me)
			if err != nil {
				return err
			}
			return a.printDetails(cmd.Context(), output, client, me)
		},
	}
	output.addFlag(cmd)
	return cmd
}

// versions is what "usher version" prints as JSON.
type versions struct {
	Version string `json:"version"`
	// Server is null where no server is known or none answers.
	Server *sdk.BuildInfo `json:"server"`
}

func (a *app) versionCommand() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version of this program and of the server",
		Args:  takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			report := versions{Version: buildinfo.Version()}
			report.Server = a.serverVersion(cmd.Context())
			return a.print(output, report, func(w io.Writer) {
				writeRow(w, "usher", report.Version)
				if report.Server != nil {
					writeRow(w, "server", strings.TrimPrefix(report.Server.Version, "v0.0.0+usher."), a.target.url)
				}
			})
		},
	}
	output.addFlag(cmd)
	return cmd
}

// serverVersion asks the server, if one is known. That it does not answer is
// worth a note, and no reason to fail.
func (a *app) serverVersion(ctx context.Context) *sdk.BuildInfo {
	client, err := a.anonymousClient()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	info, err := client.BuildInfo(ctx)
	if err != nil {
		a.notef("usher: %s\n", a.explain(fmt.Errorf("the server's version is unknown: %w", err)))
		return nil
	}
	return &info
}
