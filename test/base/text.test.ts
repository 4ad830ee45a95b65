import t from 'tap'
import { count, counted } from '../../src/base/text.ts'

t.test('numbers and nouns', (t) => {
  t.same([0, 999, 1000, 1234567].map(count), ['0', '999', '1,000', '1,234,567'])
  t.same([counted(0, 'file'), counted(1, 'file'), counted(1204, 'file')], ['0 files', '1 file', '1,204 files'])
  t.equal(counted(2, 'copy', 'copies'), '2 copies')
  t.end()
})
