import './style/tokens.css'
import './style/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { app } from './kit/app.svelte'
import { place } from './kit/place.svelte'

const target = document.getElementById('app')
if (target) {
  app.start()
  place.start()
  mount(App, { target })
}
