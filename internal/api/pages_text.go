package api

import (
	"net/url"
	"regexp"
	"strings"
)

// paragraph is a piece of text for a page.
type paragraph []span

// span is a part of a paragraph; one with an address is a link.
type span struct{ Text, URL string }

var (
	emptyLine    = regexp.MustCompile(`\n[ \t]*\n\s*`)
	markdownLink = regexp.MustCompile(`\[([^\[\]]+)\]\(([^()\s]+)\)`)
)

// paragraphs reads the little of Markdown that refusals use: empty lines between
// paragraphs, and links. Everything else is text as it stands, HTML too.
func paragraphs(text string) []paragraph {
	var list []paragraph
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	for _, block := range emptyLine.Split(text, -1) {
		if block != "" {
			list = append(list, spans(block))
		}
	}
	return list
}

func spans(block string) paragraph {
	var p paragraph
	for {
		at := markdownLink.FindStringSubmatchIndex(block)
		if at == nil {
			return append(p, span{Text: block})
		}
		words, address := block[at[2]:at[3]], block[at[4]:at[5]]
		link := span{Text: words, URL: address}
		if !isLinkable(address) {
			link = span{Text: block[at[0]:at[1]]}
		}
		p = append(p, span{Text: block[:at[0]]}, link)
		block = block[at[1]:]
	}
}

// isLinkable lets no link lead to a script.
func isLinkable(address string) bool {
	to, err := url.Parse(address)
	return err == nil && (to.Scheme == "https" || to.Scheme == "http" || to.Scheme == "mailto")
}
