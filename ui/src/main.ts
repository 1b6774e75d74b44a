import './style/tokens.css'
import './style/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { app } from './kit/app.svelte'
import { loadLanguage } from './kit/language'
import { router } from './kit/router.svelte'
import { session } from './kit/session.svelte'

async function start(target: HTMLElement): Promise<void> {
  session.start()
  app.start()
  router.start()
  await loadLanguage()
  mount(App, { target })
}

const target = document.getElementById('app')
if (target) start(target)
