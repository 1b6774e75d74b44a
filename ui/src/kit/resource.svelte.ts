import { app } from './app.svelte'
import { type ApiError, toApiError } from './http'

/**
 * The result of a request, repeated when a value it depends on changes. While a request runs the
 * previous result stays, so that the page does not jump; after an error it is removed, so that it
 * is not mistaken for the current one. `source` returns null while the request is not known yet.
 */
export class Resource<T> {
  data = $state.raw<T | undefined>()
  error = $state.raw<ApiError | undefined>()
  busy = $state(false)
  #reloads = $state(0)

  constructor(source: () => (() => Promise<T>) | null) {
    $effect(() => {
      app.dataVersion
      this.#reloads
      const request = source()
      if (!request) return
      let current = true
      this.busy = true
      request().then(
        (data) => {
          if (current) this.#settle(data, undefined)
        },
        (error: unknown) => {
          if (current) this.#settle(undefined, toApiError(error))
        },
      )
      return () => {
        current = false
      }
    })
  }

  /** Repeats the request, after a change that this page made. */
  reload(): void {
    this.#reloads += 1
  }

  #settle(data: T | undefined, error: ApiError | undefined): void {
    this.data = data
    this.error = error
    this.busy = false
  }
}
