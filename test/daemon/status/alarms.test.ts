import { join } from 'node:path'
import t from 'tap'
import { MINUTE } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { AlarmDesk } from '../../../src/daemon/alarms/alarm-desk.ts'
import { AlarmStore } from '../../../src/daemon/alarms/alarm-store.ts'
import { jobMigrations, openJobsDatabase } from '../../../src/daemon/jobs/database.ts'
import { AlarmBook, type AlarmShelf, type Condition } from '../../../src/daemon/status/alarms.ts'
import { systemDisk } from '../../../src/daemon/system/index.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const migrations = await jobMigrations(systemDisk)
const late = (about: string, days = 8): Condition => ({
  ...{ code: 'STORAGE_BACKUP_OVERDUE', about, details: { source: about, days } },
})

function ports(clock: VirtualClock, shelf: AlarmShelf) {
  const told: string[] = []
  return {
    told,
    deps: {
      ...{ clock, shelf, log: silentLogger },
      events: {
        emit: (topic: string, text: string, about = {}) => told.push(`${topic} ${JSON.stringify(about)} ${text}`),
      },
      tell: (type: string, { code }: { code: string }, about: string) => told.push(`${type} ${code} ${about}`),
    },
  }
}

t.test('raised and cleared once, told apart by what they are about; what comes back is new', async (t) => {
  const clock = new VirtualClock()
  const database = await openJobsDatabase(systemDisk, join(t.testdir(), 'jobs.db'), migrations)
  const { told, deps } = ports(clock, new AlarmStore(database))
  const book = new AlarmBook(deps)
  const [first] = book.review([late('a')])
  t.match(first, {
    code: 'STORAGE_BACKUP_OVERDUE',
    about: 'a',
    text: 'no backup of a for 8 days',
    remedy: /schedule ls/,
  })
  await clock.advance(MINUTE)
  t.match(book.review([late('a', 9), late('b')]), [
    { about: 'a', since: first?.since, text: /9 days/ },
    { about: 'b', since: new Date(clock.now()).toISOString() },
  ])
  t.equal(told.length, 4, 'a change of the text is no news')
  t.same(book.review([late('b')]).length, 1)
  t.match(told.slice(4), [/alarm .*"state":"cleared".* over: no backup of a for 9 days/, /^alarm.cleared \S+ a$/])
  await clock.advance(MINUTE)
  t.equal(book.review([late('a')])[0]?.since, new Date(clock.now()).toISOString())
  database.close()
})

t.test('a restart keeps since; what is over is cleared when it is sure, not before', async (t) => {
  const clock = new VirtualClock()
  const path = join(t.testdir(), 'jobs.db')
  const open = async () => {
    const database = await openJobsDatabase(systemDisk, path, migrations)
    const { told, deps } = ports(clock, new AlarmStore(database))
    return { database, told, book: new AlarmBook(deps) }
  }
  const before = await open()
  const [held] = before.book.review([late('a'), late('b')])
  before.database.close()
  await clock.advance(60 * MINUTE)

  const { database, told, book } = await open()
  t.same(book.review([]), [], 'nothing is shown that is not known to hold')
  t.same(told, [], 'nor cleared: what gives cause may not have been looked at yet')
  t.equal(book.review([late('a')])[0]?.since, held?.since)
  t.same(told, [], 'an old alarm is no news')
  book.review([])
  t.match(told, [/cleared/, /^alarm.cleared \S+ a$/], 'seen again and over: at once')
  await clock.advance(3 * MINUTE)
  book.review([])
  t.match(told.slice(2), [/cleared/, /^alarm.cleared \S+ b$/])
  t.same(new AlarmStore(database).list(), [])
  database.close()
})

t.test('an alarm that cannot be written down is shown all the same', async (t) => {
  const full = (): never => {
    throw new Error('disk full')
  }
  const { told, deps } = ports(new VirtualClock(), { list: () => [], put: full, remove: full })
  const book = new AlarmBook(deps)
  t.equal(book.review([late('a')]).length, 1)
  t.equal(book.review([]).length, 0)
  t.equal(told.length, 4)
})

t.test('looks by itself, also after a cause that cannot be told', async (t) => {
  const clock = new VirtualClock()
  const { told, deps } = ports(clock, { list: () => [], put: () => undefined, remove: () => undefined })
  let causes = (): Condition[] => []
  const desk = new AlarmDesk({ ...deps, causes: [() => causes()] })
  await desk.start()
  causes = () => {
    throw new Error('closed')
  }
  await clock.advance(2 * MINUTE)
  causes = () => [late('a')]
  await clock.advance(2 * MINUTE)
  t.equal(told.length, 2)
  causes = () => []
  desk.kick()
  await clock.advance(1)
  t.equal(told.length, 4, 'at once when told to')
  await desk.stop()
})
