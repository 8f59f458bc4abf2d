package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/network"
)

// A script can fail to arrive, through a bad network or an extension. Then nothing would
// happen at all, and nobody would say why.
func TestAPageWhoseScriptDoesNotLoadSaysSo(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	call(p, network.Enable, network.EnableParams{})
	call(p, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{
		{URLPattern: "*://*:*/*passkey*.js", Block: true},
	}})
	_, request := clientOnThisComputer(t, s)
	for _, url := range []string{request, s.url + "/account/sign-in", s.url + "/passkey/enrol"} {
		p.open(url)
		p.see("This page’s script did not load")
	}
	if len(p.complained()) == 0 { // that what the script needs is missing
		t.Error("the script was there")
	}
}
