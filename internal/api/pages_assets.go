package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"path"
	"time"
)

// asset is a file that pages refer to.
type asset struct {
	contentType string
	etag        string
	content     []byte
}

// assetTypes says what the assets are; a file of another kind is none.
func assetTypes() map[string]string {
	return map[string]string{
		".css": "text/css; charset=utf-8",
		".js":  "text/javascript; charset=utf-8",
		".svg": "image/svg+xml",
	}
}

func newAssets() (map[string]asset, error) {
	files, err := pageFiles.ReadDir("pages")
	if err != nil {
		return nil, err
	}
	assets := map[string]asset{}
	for _, file := range files {
		contentType, ok := assetTypes()[path.Ext(file.Name())]
		if !ok {
			continue
		}
		content, err := pageFiles.ReadFile("pages/" + file.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		assets[file.Name()] = asset{
			contentType: contentType, content: content,
			etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		}
	}
	return assets, nil
}

// asset serves a file of the pages. Its name says nothing of its version, so that
// the nodes of a deployment may differ for a while; browsers ask each time, and
// are told that nothing has changed.
func (a *API) asset(c *call) error {
	file, ok := a.pages.assets[c.r.PathValue("name")]
	if !ok {
		return refuse(http.StatusNotFound, "Route not found.")
	}
	header := c.w.Header()
	header.Set("Content-Type", file.contentType)
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", file.etag)
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	http.ServeContent(c.w, c.r, "", time.Time{}, bytes.NewReader(file.content))
	return nil
}
