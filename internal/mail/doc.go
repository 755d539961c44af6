// Package mail hands messages to a mail server. It owns the queue in which they
// wait, the conversation with the server, and the decision when to try again and
// when to give up.
//
// It imports secret, and makes connections; it stores nothing, so that what
// waits at a crash is lost. What a message says, and to whom, is for service to
// decide.
//
// Nobody waits for a mail server but this room: [Sender.Send] returns at once.
// Neither the text of a message nor a password is ever logged, not even where
// the server repeats it.
package mail
