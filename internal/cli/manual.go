package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"usher/internal/buildinfo"
)

// completionCommand replaces cobra's own, which is one more level deep.
func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell",
		Long:  "Prints the script that completes usher's commands and flags with the tab key.\nSHELL is bash, zsh, fish or powershell.",
		Example: "  source <(usher completion bash)\n" +
			"  usher completion zsh > \"${fpath[1]}/_usher\"\n" +
			"  usher completion fish > ~/.config/fish/completions/usher.fish",
		Args:      takes("SHELL"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Out, true)
			case "zsh":
				return root.GenZshCompletion(a.Out)
			case "fish":
				return root.GenFishCompletion(a.Out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Out)
			}
			return misused(cmd, "%q is not one of bash, zsh, fish and powershell", args[0])
		},
	}
}

// manualCommand is hidden because packagers need it and users do not.
func (a *app) manualCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "manual DIR",
		Short:  "Write the manual pages to a directory",
		Long:   "Writes one page of section 1 for each command to DIR, which is created. Pages\ncarry the date of SOURCE_DATE_EPOCH where it is set.",
		Hidden: true,
		Args:   takes("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("create the directory: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "usher " + buildinfo.Version(), Manual: "Usher"}
			return doc.GenManTree(root, header, args[0])
		},
	}
}
