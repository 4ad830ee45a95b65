/** src/node/dht and invites against the vectors of docs/spec/06-dht-records.md, made without them. */
import {
  headKey,
  openHeadRecord,
  periodAt,
  selectHeadRecord,
  validateHeadRecord,
} from '../../src/node/dht/head-records.ts'
import { decodeDeviceCode } from '../../src/node/device-desk.ts'
import { decodeInvite, encodeInvite, type Invite } from '../../src/node/invites.ts'
import { hex, testVectors, type Input } from '../support/vectors.ts'

testVectors('06-dht-records', {
  period: (input) => periodAt(input.number('time')),
  'head-key': (input) => hex(headKey(input.bytes('rendezvous'), place(input))),
  record(input) {
    const { made, hosts } = openHeadRecord(input.bytes('rendezvous'), place(input), input.bytes('value'))
    return { made, hosts: hosts.map(({ peer, addresses }) => ({ peer, addresses: [...addresses] })) }
  },
  validate(input) {
    const { period, made } = validateHeadRecord(input.bytes('key'), input.bytes('value'), input.number('now'))
    return { period, made }
  },
  select: (input) => selectHeadRecord(input.byteList('values')),
  invite(input) {
    const invite = decodeInvite(input.text('code'))
    return encodeInvite(invite) === input.text('code').trim() ? plain(invite) : 'encodes to something else'
  },
  'device-code': (input) => plain(decodeDeviceCode(input.text('code'))),
})

function plain({ circle, key, addresses, vault, token }: Invite) {
  return {
    circle,
    key: key === undefined ? null : hex(key),
    addresses: [...addresses],
    vault: hex(vault),
    token: hex(token),
  }
}

function place(input: Input): { slot: number; period: number } {
  return { slot: input.number('slot'), period: input.number('period') }
}
