/** Slack's workspace export: a zip with a folder per channel and a file per day. Source: slack.com/help/articles/220556107 */
import type { ZipForm } from './export-reader.ts'
import { jsonReader } from './json-reader.ts'

const day = /^[^/]+\/\d{4}-\d{2}-\d{2}\.json$/
const lists = ['channels.json', 'users.json']

export const slack: ZipForm = {
  app: 'slack',
  open(members) {
    const known = new Set(members)
    if (!members.some((name) => day.test(name)) || !lists.some((name) => known.has(name))) return undefined
    const missing = lists.filter((name) => !known.has(name))
    return {
      member: (name) => (day.test(name) ? jsonReader([['*']]) : undefined),
      warnings: missing.map((name) => `${name} is missing`),
    }
  },
}
