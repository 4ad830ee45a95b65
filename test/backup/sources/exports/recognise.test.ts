/** Each app's export, whole and cut off, fed in pieces of every size. */
import t from 'tap'
import { recognise } from '../../../../src/backup/sources/exports/recognise.ts'

interface Sample {
  readonly app: string
  readonly name: string
  readonly text: string | Buffer
  readonly messages: number | null
  /** Bytes to take off so that it is cut off; 0: cannot be told. */
  readonly cut: number
}

const discordMessage = {
  id: '1',
  content: 'a "quoted" [text] {x}',
  author: { roles: [1, 2] },
  reactions: [{ users: [] }],
}
const telegramMessage = { id: 1, type: 'message', text: ['a', { type: 'link', text: 'b\\' }] }

function document(value: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeInt32LE(12, 0)
  bytes.write('\x10a\0', 4, 'latin1')
  bytes.writeInt32LE(value, 7)
  return bytes
}

const end = Buffer.from([0xff, 0xff, 0xff, 0xff])
const archive = Buffer.concat([
  Buffer.from([0x6d, 0xe2, 0x99, 0x81]),
  ...[document(1), document(2), end],
  ...[document(3), document(4), document(5), document(6), end],
  ...[document(7), document(8), end],
  ...[document(9), end],
])

const samples: Sample[] = [
  {
    app: 'discord',
    name: 'Guild - general [123456789012345678].json',
    text: JSON.stringify(
      {
        ...{ guild: { id: '1', name: 'G' }, channel: { id: '2' }, dateRange: { after: null }, exportedAt: '2024' },
        ...{ messages: [discordMessage, discordMessage, discordMessage], messageCount: 3 },
      },
      null,
      2,
    ),
    ...{ messages: 3, cut: 20 },
  },
  {
    app: 'telegram',
    name: 'result.json',
    text: JSON.stringify({
      name: 'A',
      type: 'personal_chat',
      id: 7,
      messages: [telegramMessage, telegramMessage],
    }).replaceAll('":', '": '),
    ...{ messages: 2, cut: 1 },
  },
  {
    app: 'telegram',
    name: 'result.json',
    text: JSON.stringify({
      about: 'Here is the data you requested.',
      chats: { about: '', list: [{ type: 'bot_chat', messages: [telegramMessage] }, { messages: [telegramMessage] }] },
      left_chats: { list: [{ messages: [telegramMessage] }] },
      contacts: { list: [{ messages: ['none of ours'] }] },
    }),
    ...{ messages: 3, cut: 5 },
  },
  {
    app: 'matrix',
    name: 'export.json',
    text: JSON.stringify({
      room_name: 'R',
      room_creator: '@a',
      export_date: '2024',
      messages: [{ a: [1] }, {}, {}, {}],
    }),
    ...{ messages: 4, cut: 1 },
  },
  {
    app: 'mattermost',
    name: 'export.jsonl',
    text: [
      '{"type":"version","version":1}',
      '{"type":"post","post":{"message":"a"}}',
      '{"type":"user"}',
      '{"type":"direct_post"}',
      '',
    ].join('\n'),
    ...{ messages: 2, cut: 3 },
  },
  {
    app: 'rocketchat',
    name: 'messages.json',
    text: '{"msg":"a","username":"u","ts":"2024"}\n{"msg":"b","username":"u","ts":"2024"}\n',
    ...{ messages: 2, cut: 3 },
  },
  {
    app: 'signal',
    name: 'main.jsonl',
    text: '{"version":1,"backupTimeMs":"1"}\n{"recipient":{}}\n{"chatItem":{"a":1}}\n{"chatItem":{}}\n',
    ...{ messages: 2, cut: 4 },
  },
  {
    app: 'signal',
    name: 'signal-2024-05-06-07-08-09.backup',
    text: Buffer.concat([Buffer.from([0, 0, 0, 54, 0x0a, 0x34]), Buffer.alloc(100, 7)]),
    ...{ messages: null, cut: 0 },
  },
  {
    app: 'whatsapp',
    name: 'WhatsApp Chat with Anna.txt',
    text: [
      '12/31/23, 10:15\u202fPM - Messages and calls are end-to-end encrypted.',
      '12/31/23, 10:15\u202fPM - Anna: hello: there',
      'second line',
      '1/1/24, 1:02\u202fAM - Ben: <Media omitted>',
    ].join('\n'),
    ...{ messages: 2, cut: 0 },
  },
  {
    app: 'whatsapp',
    name: '_chat.txt',
    text: '\u200e[31.12.23, 22:15:03] Anna: hi\r\n[31.12.23, 22:15:04] Ben: hi\r\n\u200e[31.12.23, 22:16:00] Anna: \u200ebild weggelassen\r\n',
    ...{ messages: 3, cut: 0 },
  },
  {
    app: 'postgresql',
    name: 'shop.sql',
    text: `--\n-- PostgreSQL database dump\n--\n\n${'INSERT;\n'.repeat(400)}--\n-- PostgreSQL database dump complete\n--\n\n`,
    ...{ messages: null, cut: 30 },
  },
  {
    app: 'postgresql',
    name: 'all.sql',
    text: '--\n-- PostgreSQL database cluster dump\n--\n\nx\n--\n-- PostgreSQL database cluster dump complete\n--\n',
    ...{ messages: null, cut: 30 },
  },
  {
    app: 'postgresql',
    name: 'shop.dump',
    text: Buffer.concat([Buffer.from('PGDMP\x01\x0e'), Buffer.alloc(500, 9), Buffer.alloc(5)]),
    ...{ messages: null, cut: 2 },
  },
  {
    app: 'mysql',
    name: 'shop.sql',
    text: `/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n--\n${'x'.repeat(3000)}\n-- Dump completed on 2024-05-06\n`,
    ...{ messages: null, cut: 40 },
  },
  { app: 'mongodb', name: 'shop.archive', text: archive, messages: 4, cut: 3 },
]

function read({ name, text }: Sample, piece: number) {
  const bytes = Buffer.from(text as string)
  const found = recognise(name, bytes)
  for (let at = 0; at < bytes.length; at += piece) found?.reader.take(bytes.subarray(at, at + piece))
  return { app: found?.app, ...found?.reader.end() }
}

for (const sample of samples) {
  t.test(`${sample.app}: ${sample.name}`, async (t) => {
    const { app, messages, cut } = sample
    for (const piece of [1, 2, 3, 7, 64, 1 << 20])
      t.same(read(sample, piece), { app, messages, warnings: [] }, `by ${piece}`)
    if (cut === 0) return
    const bytes = Buffer.from(sample.text as string)
    const broken = read({ ...sample, text: bytes.subarray(0, bytes.length - cut) }, 5)
    t.equal(broken.app, app)
    t.match(broken.warnings, [/cut off|not complete/])
  })
}

t.test('what is none: other JSON, SQL and text, damaged beginnings', async (t) => {
  const none = [
    ['package.json', '{"name":"x","version":"1"}'],
    ['notes.txt', '12/31/23, 10:15 PM - Anna: hello'],
    ['_chat.txt', 'hello'],
    ['a.sql', 'CREATE TABLE x;'],
    ['a.json', ''],
    ['a.backup', 'x'],
    ['a.archive', 'mn'],
  ] as const
  for (const [name, text] of none) t.equal(recognise(name, Buffer.from(text)), undefined, name)
})

t.test('odd exports give warnings, not errors', async (t) => {
  const discord = samples[0]!
  const wrong = { ...discord, text: String(discord.text).replace('"messageCount": 3', '"messageCount": 5') }
  t.same(read(wrong, 9).warnings, ['it says 5 messages and holds 3'])
  t.match(
    read({ ...samples.at(-1)!, text: Buffer.concat([archive.subarray(0, 36), Buffer.from([1, 0, 0, 0])]) }, 3).warnings,
    [/not complete/],
  )
  const deep = `{"room_name":1,"export_date":1,"messages":${'['.repeat(5000)}`
  t.match(read({ ...discord, name: 'x.json', text: deep }, 11), { app: 'matrix', warnings: [/not complete/] })
  t.match(read({ ...discord, name: 'signal-1.backup', text: 'hello world' }, 3).warnings, [/does not begin/])
  const twice = '{"room_name":1,"export_date":1,"messages":[1]} {"more":1}'
  t.match(read({ ...discord, name: 'x.json', text: twice }, 4), { messages: 1, warnings: [/not complete/] })
})
