import t from 'tap'
import fc from 'fast-check'
import * as bytes from '../../src/base/bytes.ts'

t.test('hex and base64url come back and refuse anything else', (t) => {
  fc.assert(fc.property(fc.uint8Array(), (b) => bytes.equal(bytes.fromHex(bytes.toHex(b)), b)))
  fc.assert(fc.property(fc.uint8Array(), (b) => bytes.equal(bytes.fromBase64Url(bytes.toBase64Url(b)), b)))
  for (const bad of ['0', 'AB', 'zz', '0x00']) t.throws(() => bytes.fromHex(bad), { code: 'VALIDATION_FORMAT' })
  for (const bad of ['A', 'AB==', 'a b', 'A/+B'])
    t.throws(() => bytes.fromBase64Url(bad), { code: 'VALIDATION_FORMAT' })
  t.end()
})

t.test('order and equality are those of unsigned bytes', (t) => {
  t.equal(bytes.compare(Uint8Array.of(0x80), Uint8Array.of(0x7f)), 1)
  t.equal(bytes.equalSecret(Uint8Array.of(1), Uint8Array.of(1)), true)
  t.equal(bytes.equalSecret(Uint8Array.of(1), Uint8Array.of(1, 2)), false)
  t.same([...bytes.uint32(0x01020304)], [1, 2, 3, 4])
  t.end()
})

t.test('view shares memory, wipe clears it', (t) => {
  const secret = Uint8Array.of(9, 9, 9, 9).subarray(1, 3)
  bytes.view(secret)[0] = 7
  t.equal(secret[0], 7)
  bytes.wipe(secret)
  t.same([...secret], [0, 0])
  t.end()
})

t.test('copies are the same bytes, from and to shared memory as well', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(40))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), fc.nat(8), (b, at) => {
      shared.fill(255)
      bytes.copyInto(shared, at, b)
      const around = [...shared.subarray(0, at), ...shared.subarray(at + b.length)]
      return (
        bytes.equal(bytes.copyOf(shared.subarray(at, at + b.length)), b) &&
        bytes.equal(bytes.copyOf(b), b) &&
        around.every((byte) => byte === 255)
      )
    }),
  )
  for (const at of [9, 40, 41]) t.throws(() => bytes.copyInto(shared, at, new Uint8Array(32)), RangeError)
  bytes.copyInto(shared, 40, new Uint8Array(0))
  shared.fill(2)
  const whole = bytes.copyOf(shared)
  shared.fill(1)
  t.ok(whole.every((byte) => byte === 2))
  t.end()
})
