/** offer, join and device under mutated requests. */
import t from 'tap'
import { DEVICE_PROTOCOL, JOIN_PROTOCOL, OFFER_PROTOCOL } from '../../src/node/protocols/index.ts'
import { testHost, TestVault } from '../node/storage-fixture.ts'
import { deviceMessage, joinMessage, offerMessage } from './corpus.ts'
import { FULL, fuzz } from './protocol-fuzz.ts'

t.setTimeout(FULL ? 3_600_000 : 120_000)

t.test('offer', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  await fuzz(t, host, {
    name: 'offer',
    protocol: OFFER_PROTOCOL,
    peer: device.peer,
    sample: (random) => ({ message: offerMessage(device, random) }),
  })
})

t.test('join', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  await fuzz(t, host, {
    name: 'join',
    protocol: JOIN_PROTOCOL,
    peer: device.peer,
    sample: (random) => {
      host.guests.length = 0
      return { message: joinMessage(device, random) }
    },
  })
})

t.test('device', async (t) => {
  const host = await testHost(t)
  const device = new TestVault().device()
  await fuzz(t, host, {
    name: 'device',
    protocol: DEVICE_PROTOCOL,
    peer: device.peer,
    sample: (random) => {
      host.asks.length = 0
      return { message: deviceMessage(random) }
    },
  })
})
