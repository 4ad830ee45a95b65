/** Keys of paths: any bytes, no two the same, and the way back. */
import * as fc from 'fast-check'
import t from 'tap'
import { behind, behindFound, pathKey } from '../../src/api/path-key.ts'

const name = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0x2f || byte === 0 ? 0x61 : byte))))

t.test('names there and back', (t) => {
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
      const bytes = Buffer.concat(names.flatMap((one) => [Buffer.from('/'), one])).subarray(1)
      const key = pathKey({ path: 'like others', rawPath: bytes.toString('hex') })
      t.same(behind(key).after, names)
      t.same(behindFound(`0f3a:${key}`).after, { snapshot: '0f3a', names })
    }),
  )
  t.not(pathKey({ path: 'é' }), pathKey({ path: 'é', rawPath: 'e9' }))
  t.same([behind(undefined), behindFound(undefined)], [{}, {}])
  t.match(behindFound('no colon').after, { snapshot: '' })
  t.end()
})
