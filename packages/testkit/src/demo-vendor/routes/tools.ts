import { html, redirect } from '../answer.ts'
import type { Behaviour } from '../modes.ts'
import { modesPage, phonePage } from '../pages/tools.ts'
import type { Routes } from '../router.ts'

export const toolRoutes: Routes = {
  'GET /_phone': visit => html(phonePage(visit, visit.state.phone.messages)),
  'GET /_modes': visit => html(modesPage(visit, visit.state.modes.current)),
  'POST /_modes': visit => {
    visit.state.modes.set({ site: visit.form.getAll('site') as Behaviour[] })
    visit.state.acceptedTerms.clear()
    return redirect('/_modes')
  },
}
