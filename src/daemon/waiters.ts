/** Wakes everybody who waits for the next change. A waiter holds nothing: it looks again at the state itself. */
export class Waiters {
  #next = Promise.withResolvers<undefined>()

  wake(): void {
    this.#next.resolve(undefined)
    this.#next = Promise.withResolvers<undefined>()
  }

  /** Resolves at the next `wake`, or when the signal fires: the caller checks which. */
  async wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const aborted = Promise.withResolvers<undefined>()
    const onAbort = (): void => aborted.resolve(undefined)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.race([this.#next.promise, aborted.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}
