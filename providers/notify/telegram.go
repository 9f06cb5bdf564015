package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// telegram sends through the bot's API, by the URL that shoutrrr has for it: telegram://TOKEN@telegram?chats=@one,-100123.
// shoutrrr's own sender says that all is well when it reaches nobody (v0.13.2): an error that is no answer of the API is
// dropped there.
func telegram(ctx context.Context, address, subject, text string) error {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return unusable{errors.New("it has no token")}
	}
	secret, _ := u.User.Password()
	var chats []string
	for _, key := range []string{"chats", "channels"} {
		chats = append(chats, strings.FieldsFunc(u.Query().Get(key), func(r rune) bool { return r == ',' })...)
	}
	if u.User.Username() == "" || secret == "" || len(chats) == 0 {
		return unusable{errors.New("it has no token or no chats")}
	}
	if subject != "" {
		text = subject + "\n" + text
	}
	var all []error
	for _, chat := range chats {
		all = append(all, telegramOne(ctx, u.User.Username()+":"+secret, map[string]any{
			"chat_id": chat, "text": text, "disable_notification": u.Query().Get("notification") == "no",
		}))
	}
	return errors.Join(all...)
}

// mostAnswer is how much of an answer is read.
const mostAnswer = 64 << 10

func telegramOne(ctx context.Context, token string, message map[string]any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.telegram.org/bot"+token+"/sendMessage", bytes.NewReader(body))
	if err != nil {
		return unusable{err}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // what counts of it is read
	text, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if err != nil {
		return err
	}
	var answer struct {
		OK          bool   `json:"ok"`
		Description string `json:"description"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || !answer.OK {
		return fmt.Errorf("%d: %s", res.StatusCode, answer.Description)
	}
	return nil
}
