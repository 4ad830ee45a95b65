/** One run of one command: its global options, output, deadline, home and the client of the daemon. */
import { existsSync, lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import { PlexiError, isPlexiError } from '../base/errors.ts'
import { homeDirectory, homePaths, type HomePaths } from '../config/home.ts'
import type { ApiClient, RouteInput, RouteItem, RouteName } from '../api/index.ts'
import { cliClock } from './clock.ts'
import type { CliIo } from './io.ts'
import { Output, type OutputOptions } from './output.ts'

export interface GlobalOptions extends OutputOptions {
  readonly home: string | undefined
  readonly yes: boolean
  readonly timeoutMs: number | undefined
}

type Asked = Extract<RouteName, Parameters<ApiClient['call']>[0]>
type Listed = Extract<RouteName, Parameters<ApiClient['list']>[0]>

export class Session {
  readonly io: CliIo
  readonly options: GlobalOptions
  readonly out: Output
  readonly paths: HomePaths
  /** Fires on the first interrupt (unless a command takes interrupts over) and when `--timeout` has passed. */
  readonly signal: AbortSignal
  readonly #abort = new AbortController()
  #stopListening: (() => void) | undefined
  #client: ApiClient | undefined

  constructor(options: GlobalOptions, io: CliIo) {
    this.io = io
    this.options = options
    this.out = new Output(options, io)
    this.paths = homePaths(homeDirectory(options.home, io.env, io.userHome), io.env)
    this.signal = this.#abort.signal
    this.#stopListening = io.onInterrupt(() => {
      this.#abort.abort(new PlexiError('SYSTEM_INTERRUPTED'))
    })
    if (options.timeoutMs !== undefined) this.#limit(options.timeoutMs)
  }

  /** The client of the daemon of this home. Connecting happens with the first call. */
  async client(): Promise<ApiClient> {
    if (this.#client === undefined) {
      const { ApiClient } = await import('../api/index.ts')
      this.#client = new ApiClient({ socketPath: this.#checkedSocket() })
    }
    return this.#client
  }

  /** One document of the daemon. */
  async ask<N extends Asked>(name: N, input: RouteInput<N>): Promise<RouteItem<N>> {
    return this.reach(async (client) => client.call(name, input, { signal: this.signal }))
  }

  /** A whole list of the daemon. */
  async askList<N extends Listed>(name: N, input: RouteInput<N>): Promise<RouteItem<N>[]> {
    return this.reach(async (client) => {
      const items: RouteItem<N>[] = []
      for await (const item of client.list(name, input, { signal: this.signal })) items.push(item)
      return items
    })
  }

  /** Runs `work` with the client; a home without a vault is told apart from a daemon that is not running. */
  async reach<T>(work: (client: ApiClient) => Promise<T>): Promise<T> {
    try {
      return await work(await this.client())
    } catch (error) {
      if (isPlexiError(error, 'SYSTEM_DAEMON_NOT_RUNNING')) this.requireVault()
      throw error
    }
  }

  /** Throws `SYSTEM_NOT_INITIALISED`. */
  requireVault(): void {
    if (!existsSync(this.paths.keystore)) throw new PlexiError('SYSTEM_NOT_INITIALISED', { home: this.paths.root })
  }

  /** The command handles interrupts itself from now on. */
  takeInterrupts(listener: (signal: string) => void): void {
    this.#stopListening?.()
    this.#stopListening = this.io.onInterrupt(listener)
  }

  /** Nobody listens for interrupts any more: what runs now has handlers of its own. */
  releaseInterrupts(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
  }

  /** A path as the user wrote it, absolute. */
  path(text: string): string {
    return resolve(this.io.cwd, text)
  }

  close(): void {
    this.#stopListening?.()
    this.#abort.abort(new PlexiError('SYSTEM_INTERRUPTED'))
  }

  /** A long home's socket lies in a shared directory: it must belong to this account. */
  #checkedSocket(): string {
    const { socket } = this.paths
    const stat = lstatSync(socket, { throwIfNoEntry: false })
    const uid = process.getuid?.()
    if (stat !== undefined && uid !== undefined && uid !== 0 && stat.uid !== uid)
      throw new PlexiError('SYSTEM_PERMISSION', { reason: `${socket} belongs to another account` })
    return socket
  }

  #limit(timeoutMs: number): void {
    cliClock.sleep(Math.max(timeoutMs, 1), this.signal).then(
      () => {
        this.#abort.abort(new PlexiError('SYSTEM_TIMEOUT', { what: 'the command', timeoutMs: Math.round(timeoutMs) }))
      },
      () => {
        // The command ended in time.
      },
    )
  }
}
