package emulator

import (
	"maps"
	"strconv"
)

// accountAttributes gives the quota that allocations meet, and only what was asked for.
func (e *Emulator) accountAttributes(c *call) *answer {
	asked := map[string]bool{}
	for i := 1; c.form.Has("AttributeName." + strconv.Itoa(i)); i++ {
		asked[c.form.Get("AttributeName."+strconv.Itoa(i))] = true
	}
	return rewritten(e.forward(c), func(root *node) {
		list := root.at("accountAttributeSet")
		list.dropItems(func(n *node) bool { return len(asked) == 0 || asked[n.get("attributeName")] })
		for _, n := range root.all("accountAttributeSet", "item") {
			if n.get("attributeName") == "vpc-max-elastic-ips" {
				n.set(el("attributeValueSet", el("item", txt("attributeValue", strconv.Itoa(e.opts.AddressQuota)))))
			}
		}
	})
}

func (e *Emulator) allocate(c *call) *answer {
	root, err := e.ask(c.region, "DescribeAddresses")
	if err != nil {
		return c.passOn(err)
	}
	if len(root.all("addressesSet", "item")) >= e.opts.AddressQuota {
		return c.fail(400, "AddressLimitExceeded", "The maximum number of addresses has been reached.")
	}
	a := e.forward(c)
	return rewritten(a, func(root *node) { c.effect = "allocated " + root.get("publicIp") })
}

// eip reads an address by its allocation or its number.
func (e *Emulator) eip(c *call) (*node, error) {
	key, value := "AllocationId.1", c.form.Get("AllocationId")
	if value == "" {
		key, value = "PublicIp.1", c.form.Get("PublicIp")
	}
	root, err := e.ask(c.region, "DescribeAddresses", key, value)
	if err != nil {
		return nil, err
	}
	return root.at("addressesSet", "item"), nil
}

// associate moves an address as AWS does in a VPC: automatically, unless the request forbids it.
func (e *Emulator) associate(c *call) *answer {
	id := c.form.Get("InstanceId")
	m := e.machines[id]
	if m == nil || m.region != c.region || e.unborn(id) {
		return c.noInstance(id)
	}
	a, err := e.eip(c)
	if err != nil {
		return c.passOn(err)
	}
	if m.state != "running" && m.state != "stopped" {
		return c.fail(400, "InvalidInstanceID", "The "+m.state+" instance '"+id+"' is not in a valid state for this operation.")
	}
	holder := a.get("instanceId")
	forbidden := c.form.Get("AllowReassociation") == "false"
	switch {
	case holder == id:
		return c.done(txt("return", "true"), txt("associationId", a.get("associationId")))
	case holder != "" && forbidden:
		return c.fail(400, "Resource.AlreadyAssociated", "resource "+a.get("allocationId")+" is already associated with associate-id "+a.get("associationId"))
	case m.elastic != "" && forbidden:
		return c.fail(400, "Resource.AlreadyAssociated", "resource "+id+" is already associated with an address")
	}
	return e.move(c, m, a)
}

// move takes the address from its holder, and from the machine what it had before.
func (e *Emulator) move(c *call, m *machine, a *node) *answer {
	address := a.get("publicIp")
	if m.elastic != "" {
		if _, err := e.ask(c.region, "DisassociateAddress", "PublicIp", m.elastic); err != nil {
			return c.passOn(err)
		}
	}
	form := maps.Clone(c.form)
	form.Set("AllowReassociation", "true")
	out := e.forwardForm(c, form)
	if out.status >= 300 {
		return out
	}
	if old := e.machines[a.get("instanceId")]; old != nil {
		if old.state == "running" {
			e.address(address, old.id, false)
		}
		old.elastic = ""
	}
	// The temporary address dies here: whoever talks to the machine under it is cut off.
	e.address(m.public(), m.id, false)
	m.elastic, m.temporary = address, ""
	e.address(m.public(), m.id, true)
	c.effect = "associated " + address + " with " + m.id
	return rewritten(out, func(root *node) { e.known[root.get("associationId")] = true })
}

// disassociate may be repeated.
func (e *Emulator) disassociate(c *call) *answer {
	id := c.form.Get("AssociationId")
	root, err := e.ask(c.region, "DescribeAddresses")
	if err != nil {
		return c.passOn(err)
	}
	for _, a := range root.all("addressesSet", "item") {
		address, association := a.get("publicIp"), a.get("associationId")
		if association == "" || association != id && address != c.form.Get("PublicIp") {
			continue
		}
		out := e.forward(c)
		if m := e.machines[a.get("instanceId")]; m != nil && out.status < 300 {
			e.address(m.public(), m.id, false)
			m.elastic = ""
			c.effect = "disassociated " + address + " from " + m.id
		}
		return out
	}
	if id != "" && !e.known[id] {
		return c.fail(400, "InvalidAssociationID.NotFound", "The association ID '"+id+"' does not exist")
	}
	return c.done(txt("return", "true"))
}
