import { untrack } from 'svelte'
import { app } from './app.svelte'
import { type ApiError, toApiError } from './http'

/** Whether the server does not respond at all; when it is back, the version of the data changes. */
async function isServerLost(): Promise<boolean> {
  await app.checkHealth()
  return app.connection === 'lost'
}

/**
 * The result of a request, repeated when a value it depends on changes and when the lake has new data.
 * While a request runs the previous result stays, so that the page does not jump; after an error it is
 * removed, so that it is not mistaken for the current one. While the server does not respond it stays too: the
 * top bar shows since when, and the request is repeated when the server responds again. `source` returns null while the request is
 * not known yet.
 */
export class Resource<T> {
  data = $state.raw<T | undefined>()
  error = $state.raw<ApiError | undefined>()
  /** Another result is wanted; new data of the same request is loaded without notice. */
  busy = $state(false)
  #reloads = $state(0)
  #request: (() => Promise<T>) | null = null
  /** Counts what was wanted; a response to something else is dropped. */
  #wanted = 0
  #isRunning = false
  /** The version of the data when the request began. */
  #version = 0

  constructor(source: () => (() => Promise<T>) | null) {
    $effect(() => {
      this.#reloads
      this.#request = source()
      if (!this.#request) return
      this.busy = true
      untrack(() => this.#run())
      return () => {
        this.#wanted += 1
      }
    })
    // A running request is not cancelled: data that changes faster than it is read would never be shown.
    $effect(() => {
      const version = app.dataVersion
      untrack(() => {
        if (this.#request && !this.#isRunning && version !== this.#version) this.#run()
      })
    })
  }

  /** Repeats the request, after a change that this page made. */
  reload(): void {
    this.#reloads += 1
  }

  async #run(): Promise<void> {
    if (!this.#request) return
    this.#wanted += 1
    this.#version = app.dataVersion
    this.#isRunning = true
    const wanted = this.#wanted
    const [data, error] = await this.#request().then(
      (data) => [data, undefined] as const,
      (error: unknown) => [undefined, toApiError(error)] as const,
    )
    if (wanted !== this.#wanted) return
    const isKept =
      error?.status === 0 && !this.busy && this.data !== undefined && (await isServerLost())
    if (wanted !== this.#wanted) return
    this.#isRunning = false
    if (isKept) return
    this.data = data
    this.error = error
    this.busy = false
    if (this.#version !== app.dataVersion) this.#run()
  }
}
