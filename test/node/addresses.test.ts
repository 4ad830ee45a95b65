import t from 'tap'
import {
  addressGroup,
  household,
  invitable,
  inSubnet,
  ipOf,
  loopbackOnly,
  parseAddress,
  peerOfAddress,
  scopeOf,
  withoutPeer,
} from '../../src/node/addresses.ts'
import { dhtMode } from '../../src/node/dht/circle-dht.ts'
import { DialPolicy } from '../../src/node/dial-policy.ts'

const peer = '12D3KooWGYLhBYHkHfMMPSgfDTCDEZCX2n1JuGqEN8Rk1Sj8XjNx'

void t.test('scopes', async (t) => {
  const cases = {
    '/ip4/127.0.0.1/tcp/1': 'loopback',
    '/ip4/127.9.9.9/tcp/1': 'loopback',
    '/ip6/::1/tcp/1': 'loopback',
    '/dns4/localhost/tcp/1': 'loopback',
    '/ip4/192.168.1.2/tcp/1': 'private',
    '/ip4/100.64.0.1/tcp/1': 'private',
    '/ip4/0.0.0.0/tcp/1': 'private',
    '/ip6/fe80::1/tcp/1': 'private',
    '/ip6/fd00::1/tcp/1': 'private',
    '/ip4/9.9.9.9/tcp/1': 'public',
    '/ip6/2a00:1450::1/tcp/1': 'public',
    '/dns4/example.com/tcp/1/ws': 'public',
    [`/ip4/9.9.9.9/tcp/1/p2p/${peer}/p2p-circuit`]: 'relayed',
    '/unix/%2Ftmp%2Fx': 'none',
  }
  for (const [address, scope] of Object.entries(cases)) t.equal(scopeOf(address), scope, address)
})

void t.test('parts of addresses', async (t) => {
  const full = `/ip4/9.9.9.9/tcp/1/p2p/${peer}`
  t.equal(peerOfAddress(full), peer)
  t.equal(peerOfAddress('/ip4/9.9.9.9/tcp/1'), undefined)
  t.equal(withoutPeer(full), '/ip4/9.9.9.9/tcp/1')
  t.equal(ipOf(full), '9.9.9.9')
  t.equal(ipOf('/dns4/example.com/tcp/1'), undefined)
  for (const bad of ['', 'nonsense', '/ip4/300.1.1.1/tcp/1', 'x'.repeat(600)]) {
    t.throws(() => parseAddress(bad), { code: 'NETWORK_ADDRESS' })
  }
  t.ok(loopbackOnly(['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0']))
  t.notOk(loopbackOnly(['/ip4/127.0.0.1/tcp/0', '/ip4/0.0.0.0/tcp/0']))
  t.notOk(loopbackOnly([]))
})

void t.test('groups, households, subnets', async (t) => {
  t.equal(addressGroup('20.1.2.3'), addressGroup('20.1.200.3'))
  t.not(addressGroup('20.1.2.3'), addressGroup('20.2.2.3'))
  t.equal(addressGroup('::ffff:20.1.2.3'), addressGroup('20.1.9.9'))
  t.equal(addressGroup('2001:470:1::1'), addressGroup('2001:470:ffff::2'))
  t.not(household('20.1.2.3'), household('20.1.2.4'))
  t.equal(household('2001:470:1:100::1'), household('2001:470:1:1ff::9'))
  t.not(household('2001:470:1:100::1'), household('2001:470:1:200::1'))
  t.ok(inSubnet('192.168.1.77', { address: '192.168.1.5', prefixLength: 24 }))
  t.notOk(inSubnet('192.168.2.77', { address: '192.168.1.5', prefixLength: 24 }))
  t.notOk(inSubnet('::1', { address: '192.168.1.5', prefixLength: 0 }))
})

void t.test('private addresses that peers name are not dialled; those that people name are', async (t) => {
  const subnets = [{ address: '192.168.1.5', prefixLength: 24 }]
  const wide = new DialPolicy({ loopbackOnly: false, lan: false, subnets })
  t.ok(wide.mayDial('/ip4/9.9.9.9/tcp/1'))
  for (const inside of ['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.7/tcp/1', '/ip4/10.0.0.1/tcp/1', '/ip6/::1/tcp/1']) {
    t.notOk(wide.mayDial(inside), inside)
  }
  t.notOk(wide.mayDialBack('/ip4/192.168.1.7/tcp/1', '/ip4/192.168.1.8/tcp/40000'), 'of another machine')
  t.notOk(wide.mayDialBack('/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/40000'))
  t.ok(wide.mayDialBack('/ip4/192.168.1.9/tcp/1', '/ip4/192.168.1.9/tcp/40000'), 'of the machine that is connected')
  t.ok(wide.mayDial('/ip4/192.168.1.9/tcp/1'), 'and later')
  wide.allow(`/ip4/192.168.1.7/tcp/1/p2p/${peer}`)
  t.ok(wide.mayDial('/ip4/192.168.1.7/tcp/1'))
  for (const bad of ['/ip4/127.0.0.1/tcp/6379', '/ip4/10.0.0.1/tcp/1', '/dns4/rebind.example/tcp/22']) {
    wide.announced(bad)
    t.notOk(wide.mayDial(bad), 'a neighbour names neighbours')
  }
  wide.announced('/ip4/192.168.1.30/tcp/1')
  t.ok(wide.mayDial('/ip4/192.168.1.30/tcp/1'))
  for (const name of ['/dns4/rebind.example/tcp/22', '/dns6/rebind.example/tcp/22', '/dns/rebind.example/tcp/22/ws']) {
    t.notOk(wide.mayDial(name), 'a name that a stranger gives may lead anywhere')
    wide.allow(name)
    t.ok(wide.mayDial(`${name}/p2p/${peer}`))
  }
  t.notOk(wide.mayDial(`/ip4/10.0.0.1/tcp/1/p2p/${peer}/p2p-circuit`), 'a relay is dialled too')
  t.ok(wide.mayDial(`/ip4/9.9.9.9/tcp/1/p2p/${peer}/p2p-circuit`))
  t.ok(wide.mayDial(`/p2p/${peer}/p2p-circuit`))
  const lan = new DialPolicy({ loopbackOnly: false, lan: true, subnets })
  t.ok(lan.mayDial('/ip4/192.168.1.7/tcp/1'))
  t.notOk(lan.mayDial('/ip4/10.0.0.1/tcp/1'), 'only own subnets')
  t.notOk(lan.mayDial('/ip4/127.0.0.1/tcp/1'))
  const alone = new DialPolicy({ loopbackOnly: true, lan: false, subnets })
  t.ok(alone.mayDial('/ip4/127.0.0.1/tcp/1'))
  alone.block(peer, true)
  t.notOk(alone.mayDial(`/ip4/127.0.0.1/tcp/1/p2p/${peer}`))
})

void t.test('who serves the DHT', async (t) => {
  t.equal(dhtMode([], []), 'client')
  t.equal(dhtMode(['/ip4/127.0.0.1/tcp/0'], []), 'server')
  t.equal(dhtMode(['/ip4/9.9.9.9/tcp/1'], []), 'server')
  t.equal(dhtMode(['/ip4/192.168.1.5/tcp/1'], ['/ip4/192.168.1.9/tcp/1']), 'server')
  t.equal(dhtMode(['/ip4/192.168.1.5/tcp/1'], ['/ip4/9.9.9.9/tcp/1']), 'client')
})

void t.test('invites carry the most reachable addresses, loopback only where there is nothing else', async (t) => {
  const mixed = ['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.5/tcp/1', '/ip4/9.9.9.9/tcp/1']
  t.same(invitable(mixed), ['/ip4/9.9.9.9/tcp/1', '/ip4/192.168.1.5/tcp/1'])
  t.same(invitable(['/ip4/127.0.0.1/tcp/1']), ['/ip4/127.0.0.1/tcp/1'])
})
