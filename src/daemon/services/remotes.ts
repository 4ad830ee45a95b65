/** Remotes over the API. */
import { isAbsolute, normalize } from 'node:path'
import type { Job, Remote, RemoteService } from '../../api/index.ts'
import type { BackupEngine, RemoteFigures } from '../../backup/index.ts'
import { isoTime } from '../../base/clock.ts'
import { PlexiError } from '../../base/errors.ts'
import type { HomePaths } from '../../config/home.ts'
import type { PlexiNode } from '../../node/index.ts'
import type { JobRunner } from '../jobs/runner.ts'

export interface RemotesDeps {
  readonly engine: BackupEngine
  readonly jobs: JobRunner
  readonly node: Pick<PlexiNode, 'peers'>
  readonly paths: HomePaths
  /** There is a new one to be filled. */
  readonly changed: () => void
}

export class Remotes implements RemoteService {
  readonly #deps: RemotesDeps

  constructor(deps: RemotesDeps) {
    this.#deps = deps
  }

  async *list(): AsyncGenerator<Remote> {
    const { remotes } = this.#deps.engine
    for (const { id } of remotes.list()) yield apiRemote(await remotes.figures(id))
  }

  async get(id: string): Promise<Remote> {
    return apiRemote(await this.#deps.engine.remotes.figures(id))
  }

  async add(path: string): Promise<Remote> {
    const { engine, paths, changed } = this.#deps
    const added = await engine.remotes.add(checkedPath(path, paths))
    changed()
    return apiRemote(added)
  }

  async remove(id: string, force: boolean): Promise<void> {
    this.#deps.engine.remotes.remove(id, force)
  }

  async seed(path: string, peer: string): Promise<Job> {
    const { node, jobs, paths } = this.#deps
    const clean = checkedPath(path, paths)
    const { peer: host, name } = node.peers.show(peer)
    return jobs.submit('seed', {
      title: `put what ${name === '' ? host : name} lacks into ${clean}`.slice(0, 300),
      request: { path: clean, host },
    })
  }

  async test(id: string, all: boolean): Promise<Job> {
    const { path } = await this.#deps.engine.remotes.figures(id)
    return this.#deps.jobs.submit('remote-test', {
      title: `test the remote ${path}`.slice(0, 300),
      request: { id, all },
    })
  }
}

/** Never the home itself, nor what lies in or around it. */
function checkedPath(path: string, { root }: HomePaths): string {
  if (!isAbsolute(path)) throw new PlexiError('VALIDATION_USAGE', { reason: `not an absolute path: ${path}` })
  const clean = normalize(path).replace(/(?<=.)\/+$/, '')
  if (`${clean}/`.startsWith(`${root}/`) || `${root}/`.startsWith(`${clean}/`))
    throw new PlexiError('STORAGE_REMOTE_FOREIGN', { path: clean, reason: 'it lies in or around the own home' })
  return clean
}

function apiRemote(figures: RemoteFigures): Remote {
  const { id, path, state, reason, complete, bytes, headSeq } = figures
  return {
    ...{ id, path, state, complete, bytes, headSeq },
    reason: reason === '' ? null : reason,
    missing: figures.missingBytes,
    free: figures.freeBytes,
    total: figures.totalBytes,
    added: isoTime(figures.added),
    lastSeen: isoTime(figures.seen),
    completed: figures.completed === null ? null : isoTime(figures.completed),
  }
}
