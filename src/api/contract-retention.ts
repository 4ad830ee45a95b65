/** The part of the contract about forgetting snapshots and freeing what they took. Spec: docs/BACKUP_SYSTEM.md § Forgetting */
import * as common from './schemas/common.ts'
import * as jobs from './schemas/jobs.ts'
import * as retention from './schemas/retention.ts'

export const retentionContract = {
  forget: {
    role: 'admin',
    summary: 'Forget snapshots, by name or by what a policy keeps',
    body: retention.forgetRequest,
    response: retention.forgotten,
  },
  prune: { role: 'admin', summary: 'Free what no snapshot needs', body: retention.pruneRequest, response: jobs.job },
  storage: { role: 'viewer', summary: 'What backups take', query: common.none, response: retention.storage },
  storageGc: {
    role: 'operator',
    summary: 'Clean up at home',
    body: common.none.nullable(),
    response: jobs.job,
  },
} as const
