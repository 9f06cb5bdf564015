package emulator

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
)

// node is an XML element. AWS's answers have no mixed content: an element has children or text.
type node struct {
	name  string
	space string // of the root only
	text  string
	kids  []*node
}

func parseXML(b []byte) (*node, error) {
	dec := xml.NewDecoder(bytes.NewReader(b))
	var root *node
	var open []*node
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("parse an answer: %w", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			n := &node{name: t.Name.Local}
			if len(open) == 0 {
				n.space, root = t.Name.Space, n
			} else {
				up := open[len(open)-1]
				up.kids = append(up.kids, n)
			}
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		}
	}
	if root == nil {
		return nil, errors.New("parse an answer: it is empty")
	}
	return root, nil
}

func (n *node) bytes() []byte {
	b := bytes.NewBufferString(xml.Header)
	n.write(b)
	return b.Bytes()
}

func (n *node) write(b *bytes.Buffer) {
	b.WriteString("<" + n.name)
	if n.space != "" {
		b.WriteString(` xmlns="`)
		escape(b, n.space)
		b.WriteString(`"`)
	}
	b.WriteString(">")
	if len(n.kids) == 0 {
		escape(b, n.text)
	}
	for _, k := range n.kids {
		k.write(b)
	}
	b.WriteString("</" + n.name + ">")
}

func escape(b *bytes.Buffer, s string) {
	if err := xml.EscapeText(b, []byte(s)); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
}

// el makes an element with children.
func el(name string, kids ...*node) *node { return &node{name: name, kids: kids} }

// txt makes an element with text.
func txt(name, text string) *node { return &node{name: name, text: text} }

// at follows a path of names to the first element there is; nil when there is none.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		i := slices.IndexFunc(n.kids, func(k *node) bool { return k.name == name })
		if i < 0 {
			return nil
		}
		n = n.kids[i]
	}
	return n
}

// get is the text at the path, or nothing.
func (n *node) get(path ...string) string {
	if at := n.at(path...); at != nil {
		return at.text
	}
	return ""
}

// all returns the elements of that name among the children of the element at the path.
func (n *node) all(path ...string) []*node {
	up := n.at(path[:len(path)-1]...)
	if up == nil {
		return nil
	}
	var out []*node
	for _, k := range up.kids {
		if k.name == path[len(path)-1] {
			out = append(out, k)
		}
	}
	return out
}

// set replaces the children of that name by these, or appends them.
func (n *node) set(kid *node) {
	n.drop(kid.name)
	n.kids = append(n.kids, kid)
}

func (n *node) drop(name string) {
	n.kids = slices.DeleteFunc(n.kids, func(k *node) bool { return k.name == name })
}

// dropItems removes the items of a list element that do not pass.
func (n *node) dropItems(keep func(*node) bool) {
	if n != nil {
		n.kids = slices.DeleteFunc(n.kids, func(k *node) bool { return k.name == "item" && !keep(k) })
	}
}
