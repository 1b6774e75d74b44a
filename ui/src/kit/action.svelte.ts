import { type ApiError, toApiError } from './http'

/** A change that a person makes: whether it runs, and its last error. */
export class Action {
  busy = $state(false)
  error = $state.raw<ApiError | null>(null)

  /** Runs a change unless one runs already; the result is undefined after an error. */
  async run<T>(change: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined
    this.busy = true
    this.error = null
    try {
      return await change()
    } catch (error) {
      this.error = toApiError(error)
      return undefined
    } finally {
      this.busy = false
    }
  }

  /** Runs a change without a result, and then `done` if it succeeded. */
  async runThen(change: () => Promise<void>, done: () => void): Promise<void> {
    await this.run(change)
    if (!this.error) done()
  }
}
