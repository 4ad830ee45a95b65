/**
 * PlexiChat as its users run it: a daemon that is up. The engine lies in a process of its own, opened as the daemon opens
 * it; starting that process is not timed, but nothing in it is warmed up either. Its network is a local directory.
 */
import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Operation } from '../data/sets.ts'
import { measureCommand, measureWork, type Measured } from '../measure.ts'
import { empty, fileBytes, type Contender, type Place } from './contender.ts'
import type { EngineAnswer, EngineOrder } from '../engine.ts'

/** What is published is measured; profiles tell more of the sources. */
const sources = join(import.meta.dirname, '..', 'engine.ts')
const program = join(import.meta.dirname, '..', '..', 'dist', 'engine.js')

/** Makes `program` from the sources. */
export function buildProgram(): void {
  execFileSync(process.execPath, [join('scripts', 'build.ts'), join('bench', 'engine.ts')], {
    cwd: join(import.meta.dirname, '..', '..'),
  })
}

export class Plexichat implements Contender {
  readonly name = 'PlexiChat'
  readonly role = 'plexichat'
  #process: EngineProcess | undefined

  async prepare({ scratch }: Place): Promise<void> {
    await this.finish()
    empty(scratch)
    this.#process = await EngineProcess.start(scratch)
  }

  run(operation: Operation, place: Place): Promise<Measured> {
    if (this.#process === undefined) throw new Error('prepare first')
    return this.#process.measure(orderOf(operation, place))
  }

  restored(place: Place): string {
    return join(restoredTo(place), 'source')
  }

  storedBytes({ scratch }: Place): number {
    return fileBytes(join(scratch, 'shards'))
  }

  async finish(): Promise<void> {
    await this.#process?.stop()
    this.#process = undefined
  }
}

/** A first backup as one whole process, its start and its end included: what one would see without a daemon. */
export async function wholeProcess({ source, scratch }: Place): Promise<Measured> {
  return measureCommand([process.execPath, program, empty(scratch), 'backup', source])
}

/** Two whole runs under the CPU profiler, which looks at worker threads as well; `profiles` receives a file per thread. */
export async function profiled(operation: 'first' | 'restore', place: Place, profiles: string): Promise<Measured> {
  const { kind, path } = orderOf(operation, place)
  const flags = ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  return measureCommand([process.execPath, ...flags, sources, place.scratch, kind, path])
}

export class EngineProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** The engine is open when it resolves. */
  static async start(scratch: string): Promise<EngineProcess> {
    const child = fork(program, [scratch], { execArgv: [] })
    const [answer] = (await Promise.race([once(child, 'message'), ended(child)])) as [EngineAnswer]
    if (answer.type !== 'ready') throw new Error('the engine did not open')
    return new EngineProcess(child)
  }

  async measure(order: EngineOrder): Promise<Measured> {
    return measureWork(this.#child.pid ?? 0, async () => {
      this.#child.send(order)
      const [answer] = (await Promise.race([once(this.#child, 'message'), ended(this.#child)])) as [EngineAnswer]
      if (answer.type === 'failed') throw new Error(`${order.kind}: ${answer.message}`)
    })
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit')
    this.#child.disconnect()
    await exit
  }
}

function orderOf(operation: Operation, place: Place): EngineOrder {
  if (operation === 'restore') return { kind: 'restore', path: empty(restoredTo(place)) }
  if (operation === 'verify') return { kind: 'verify', path: '' }
  return { kind: 'backup', path: place.source }
}

function restoredTo({ scratch }: Place): string {
  return join(scratch, 'restored')
}

async function ended(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null]
  throw new Error(`the engine's process ended with ${String(code)}`)
}
