import { ApiError } from './api'
import { app } from './app.svelte'

/**
 * What an ask answers, asked again when anything it reads changes. While a new answer is on its way
 * the old one stays, so that nothing jumps; after an error the old one is gone, so that nobody
 * takes it for the new one. `source` returns null while it does not know yet what to ask.
 */
export class Load<T> {
  data = $state.raw<T | undefined>()
  error = $state.raw<ApiError | undefined>()
  busy = $state(false)

  constructor(source: () => (() => Promise<T>) | null) {
    $effect(() => {
      app.epoch
      const ask = source()
      if (!ask) return
      let current = true
      this.busy = true
      ask().then(
        (data) => {
          if (current) this.#settle(data, undefined)
        },
        (error: unknown) => {
          if (current) this.#settle(undefined, asApiError(error))
        },
      )
      return () => {
        current = false
      }
    })
  }

  #settle(data: T | undefined, error: ApiError | undefined): void {
    this.data = data
    this.error = error
    this.busy = false
  }
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, 'page', String(error))
}
