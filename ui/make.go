package ui

import "lifeboat/ui/page"

// make makes the page of a route.
func (a *App) make(r page.Route) page.Page {
	switch r.Where {
	case page.AtRunbook:
		return page.NewRunbook(a.ctx, a.env, a.console, a.console, r.Choice)
	case page.AtRun:
		return page.NewRun(a.ctx, a.env, a.console, r.Run)
	case page.AtReplay:
		return page.NewReplayFrom(a.ctx, a.env, a.console, r.Run, r.Speed, r.Step)
	case page.AtShow:
		return page.NewShow(a.ctx, a.env, a.console, r.Run)
	case page.AtHistory:
		if r.Filter {
			return page.NewHistoryFilter(a.ctx, a.env, a.console, r.Find)
		}
		return page.NewHistory(a.ctx, a.env, a.console, r.Find)
	case page.AtHelp:
		return page.NewHelp(a.env, a.top())
	case page.AtGo:
		return page.NewGo(a.env)
	}
	return page.NewHome(a.ctx, a.env, a.console, a.console)
}
