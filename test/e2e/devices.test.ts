/** Two devices of one vault: both back up at once, one is killed; then a new epoch, and a device that is revoked. */
import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestCircle } from '../support/circle.ts'
import { checkBoth, round, startPair } from '../support/device-rounds.ts'

const ROUNDS = 2
const MAX_LOOKS = 20

const circle = new TestCircle()
t.teardown(() => circle.close())

t.test('two devices back up at the same moment, killed at random: both histories are complete', async (t) => {
  const pair = await startPair(circle, 3)
  for (let i = 0; i < ROUNDS; i++) await round(pair, i, 150 + i * 250)
  await checkBoth(t, pair)
  const [laptop, desktop] = pair.devices
  const words = join(circle.folder, 'words')
  writeFileSync(words, circle.phrase, { mode: 0o600 })
  const asked = ['--phrase-file', words]

  const { devices } = (await circle.json(['identity', 'devices'], laptop.home)) as unknown as {
    devices: { name: string; peer: string; current: boolean; snapshots: number | null }[]
  }
  t.equal(devices.length, 2)
  t.match(await circle.json(['identity', 'rotate', ...asked], laptop.home), { ok: true, epoch: 2 })
  // A host that is slow to answer may not be among those asked the first time.
  let shown = await circle.json(['identity', 'show'], desktop.home)
  for (let asking = 0; asking < MAX_LOOKS && shown['epochs'] !== 2; asking++) {
    await circle.json(['identity', 'devices', '--sync'], desktop.home)
    shown = await circle.json(['identity', 'show'], desktop.home)
  }
  t.match(shown, { epochs: 2 }, 'the other one learned of it')

  const lost = devices.find(({ current }) => !current)
  const revoked = await circle.json(['identity', 'revoke', String(lost?.peer), ...asked], laptop.home)
  t.match(revoked, { ok: true, epoch: 3, termsVersion: 2, told: 4, missing: [] }, 'all hosts were told at once')
  const source = circle.makeFolder('more')
  writeFileSync(join(source, 'file'), 'after the revocation')
  const refused = await circle.run(['backup', source, '--wait', '1s', '--json'], desktop.home)
  t.not(refused.code, 0, 'hosts take nothing of it')
  const gone = await circle.run(
    ['restore', 'latest', '--name', 'start', '--to', join(circle.folder, 'nothing'), '--json'],
    desktop.home,
  )
  t.not(gone.code, 0, 'and give it nothing')
  t.match(await circle.json(['backup', source], laptop.home), { queued: 0 }, 'the other one goes on')
  t.match(await circle.json(['identity', 'check', ...asked], laptop.home), { ok: true })
})
