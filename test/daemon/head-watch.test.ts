import t from 'tap'
import { silentLogger } from '../../src/base/log.ts'
import { peerKeyOf, vaultId } from '../../src/crypto/ids.ts'
import { signingKey } from '../../src/crypto/signature.ts'
import { HeadWatch } from '../../src/daemon/head-watch.ts'
import { systemClock, systemRandom } from '../../src/daemon/system/index.ts'
import { signNotice, type FoundHead } from '../../src/shard/index.ts'

const own = signingKey(systemRandom.bytes(32))
const other = signingKey(systemRandom.bytes(32))
const device = peerKeyOf(own.publicKey)

function head(key: typeof own, seq: number): FoundHead {
  const sealedHash = systemRandom.bytes(32)
  const vault = vaultId(systemRandom.bytes(32))
  const notice = signNotice(key, {
    v: 1,
    vault,
    device: peerKeyOf(key.publicKey),
    seq,
    prev: seq === 1 ? null : sealedHash,
    sealedHash,
    serial: 1,
  })
  const none = new Uint8Array(0)
  return { source: device, bundle: { authority: none, terms: none, notice, sealed: none } }
}

/** A device that has made head 5, and members that know `found`. */
async function watch(found: readonly FoundHead[], headSeq = 5, devices = 1) {
  const adopted: number[] = []
  let asked = 0
  const heads = new HeadWatch({
    engine: {
      status: () => ({ headSeq }) as never,
      sync: async (given) => {
        adopted.push(given.length)
        const alarm = { code: 'SECURITY_ROLLBACK', text: 'newer', peer: device } as const
        return { headSeq: 9, headTime: 0, sources: 1, snapshots: 1, news: 1, alarms: [alarm] }
      },
    },
    network: {
      findHeads: async () => {
        asked++
        return [...found]
      },
    },
    device,
    record: { learn: async () => false },
    devices: () => devices,
    reads: true,
    online: () => true,
    adopted: () => adopted.push(-1),
    clock: systemClock,
    log: silentLogger,
  })
  await heads.start()
  for (let i = 0; i < 5; i++) await systemClock.sleep(1)
  await heads.stop()
  return { adopted, asked, alarms: heads.alarms }
}

t.test('a newer head of its own is taken over and told', async (t) => {
  const { adopted, alarms } = await watch([head(own, 4), head(own, 7), head(other, 9)])
  t.same(adopted, [3, -1], 'all heads are judged together')
  t.match(alarms, [{ code: 'SECURITY_ROLLBACK' }])
})

t.test('heads of other devices are taken in, and looked at once a while', async (t) => {
  const { adopted, asked } = await watch([head(other, 9)], 5, 2)
  t.same(adopted, [1, -1])
  t.equal(asked, 1)
})

t.test('a device that is alone and has no head asks nobody; one of several does', async (t) => {
  t.equal((await watch([head(own, 9)], 0)).asked, 0)
  t.equal((await watch([], 0, 2)).asked, 1)
})
