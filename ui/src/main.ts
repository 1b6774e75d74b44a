import './style/tokens.css'
import './style/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { app } from './kit/app.svelte'
import { router } from './kit/router.svelte'
import { session } from './kit/session.svelte'

const target = document.getElementById('app')
if (target) {
  session.start()
  app.start()
  router.start()
  mount(App, { target })
}
