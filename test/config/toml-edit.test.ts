import { parse } from 'smol-toml'
import t from 'tap'
import { editToml } from '../../src/config/toml-edit.ts'

const text = '# mine\n[api]\n# the port\nport = 1 # was 2\n\n[network]\nlisten = [\n  "a",\n  "b",\n]\n'

t.test('one value changes, comments and the rest stay', async (t) => {
  const edited = editToml(text, { section: 'api', key: 'port' }, '7')
  t.same(parse(edited), { api: { port: 7 }, network: { listen: ['a', 'b'] } })
  t.match(edited, /# mine/)
  t.match(edited, /# the port/)
})

t.test('new keys and new sections', async (t) => {
  t.same(parse(editToml(text, { section: 'api', key: 'x' }, '"y"')), {
    api: { port: 1, x: 'y' },
    network: { listen: ['a', 'b'] },
  })
  t.same(parse(editToml('', { section: 'logs', key: 'level' }, '"debug"')), { logs: { level: 'debug' } })
  t.same(parse(editToml('[logs]', { section: 'logs', key: 'level' }, '"debug"')), { logs: { level: 'debug' } })
})

t.test('a value over several lines is still replaced as a whole', async (t) => {
  const edited = editToml(text, { section: 'network', key: 'listen' }, '["c"]')
  t.same(parse(edited), { api: { port: 1 }, network: { listen: ['c'] } })
})

t.test('a key is removed', async (t) => {
  t.same(parse(editToml(text, { section: 'api', key: 'port' }, undefined)), {
    api: {},
    network: { listen: ['a', 'b'] },
  })
  t.same(parse(editToml('', { section: 'api', key: 'port' }, undefined)), { api: {} })
})
