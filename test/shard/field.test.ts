import t from 'tap'
import { generatorMatrix, inverse, invertMatrix, multiply, multiplyMatrix, power } from '../../src/shard/field.ts'

/** The readable twin: shift and add. */
function slowMultiply(a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= a << bit
  }
  for (let bit = 14; bit >= 8; bit--) {
    if ((product >> bit) & 1) product ^= 0x11d << (bit - 8)
  }
  return product
}

t.test('all 65,536 products', async (t) => {
  let wrong = 0
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) if (multiply(a, b) !== slowMultiply(a, b)) wrong++
  t.equal(wrong, 0)
})

t.test('all inverses and powers', async (t) => {
  for (let a = 1; a < 256; a++) if (slowMultiply(a, inverse(a)) !== 1) t.fail(`1/${String(a)}`)
  t.throws(() => inverse(0), { code: 'SYSTEM_UNEXPECTED' })
  for (const base of [0, 1, 2, 3, 29, 255]) {
    for (let exponent = 0, expected = 1; exponent < 40; exponent++, expected = slowMultiply(expected, base)) {
      t.equal(power(base, exponent), expected)
    }
  }
})

t.test('the generator has the identity on top and the example of the specification', async (t) => {
  const hex = (k: number, n: number) => generatorMatrix({ k, n }).map((row) => Buffer.from(row).toString('hex'))
  t.same(hex(2, 4), ['0100', '0001', '0302', '0203'])
  t.same(hex(4, 6).slice(4), ['1b1c1214', '1c1b1412'])
  t.same(hex(1, 3), ['01', '01', '01'])
})

t.test('a matrix times its inverse is the identity; a singular one is refused', async (t) => {
  const rows = generatorMatrix({ k: 10, n: 30 }).slice(17, 27)
  const product = multiplyMatrix(rows, invertMatrix(rows))
  t.ok(product.every((row, r) => row.every((value, c) => value === (r === c ? 1 : 0))))
  t.throws(() => invertMatrix([Uint8Array.of(1, 2), Uint8Array.of(1, 2)]), { code: 'SYSTEM_UNEXPECTED' })
})
