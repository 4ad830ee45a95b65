/** The routes of remotes and seeds, for the contract. */
import * as z from 'zod'
import * as common from './schemas/common.ts'
import * as jobs from './schemas/jobs.ts'
import * as remotes from './schemas/remotes.ts'

const byId = z.strictObject({ id: z.string().min(1).max(128) })

export const remoteContract = {
  remotes: { role: 'viewer', summary: 'Directories that keep a copy', query: common.page, response: remotes.remote },
  remoteAdd: {
    role: 'admin',
    summary: 'Keep a copy of everything in a directory',
    body: remotes.remoteAddRequest,
    response: remotes.remote,
  },
  remote: { role: 'viewer', summary: 'One remote', params: byId, query: common.none, response: remotes.remote },
  remoteRemove: {
    role: 'admin',
    summary: 'Forget a remote; its files stay',
    params: byId,
    query: z.strictObject({ force: common.flag.optional() }),
    body: common.none.nullable(),
    response: common.done,
  },
  remoteSeed: {
    role: 'admin',
    summary: 'Put what a host lacks onto a disk to carry there',
    body: remotes.seedRequest,
    response: jobs.job,
  },
  hostingAdopt: {
    role: 'admin',
    summary: 'Take in shards that a disk brought',
    body: remotes.adoptRequest,
    response: jobs.job,
  },
  remoteTest: {
    role: 'operator',
    summary: 'Write, read, and check shards of a remote',
    params: byId,
    body: remotes.remoteTestRequest,
    response: jobs.job,
  },
} as const
