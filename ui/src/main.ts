import './style/tokens.css'
import './style/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { app } from './kit/app.svelte'
import { loadTexts } from './kit/language'
import { router } from './kit/router.svelte'
import { session } from './kit/session.svelte'
import { loadPage, routeOf } from './routes'

async function start(target: HTMLElement): Promise<void> {
  preload(location.pathname)
  session.start()
  app.start()
  router.start()
  await loadTexts('base')
  mount(App, { target })
}

/** Requests the code of the page with the texts, not after them. A failure is shown when the page is opened. */
function preload(path: string): void {
  const route = routeOf(path)
  if (route) loadPage(route).catch(() => {})
}

const target = document.getElementById('app')
if (target) start(target)
