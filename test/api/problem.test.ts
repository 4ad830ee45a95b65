/** Problem documents: every code of the table goes out and comes back as the same error. */
import t from 'tap'
import { errorTable, type ErrorCode } from '../../src/base/error-table.ts'
import { PlexiError } from '../../src/base/errors.ts'
import { problem as problemSchema } from '../../src/api/contract.ts'
import { errorOfProblem, failureOf, problemOf } from '../../src/api/problem.ts'

const at = { instance: '/api/v1/x', correlationId: 'abc' }

t.test('there and back', async (t) => {
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const error = new PlexiError(code, { peer: 'Bob', snapshot: 'demo', home: '/h' })
    const sent = problemSchema.parse(JSON.parse(JSON.stringify(problemOf(error, at))))
    const back = errorOfProblem(sent)
    t.strictSame(
      [back.code, back.message, back.remedy, back.exitCode, back.httpStatus],
      [error.code, error.message, error.remedy, error.exitCode, error.httpStatus],
    )
    t.equal(sent.title, errorTable[code].why, 'the same for every occurrence, with nothing left to fill in')
    t.notMatch(sent.title, /[{}]/)
  }
})

t.test('a remedy that knows more than the table comes along', async (t) => {
  const error = new PlexiError('STORAGE_TARGET_EXISTS', { path: '/x' }, { remedy: 'move it away' })
  t.equal(errorOfProblem(problemOf(error, at)).remedy, 'move it away')
  t.equal(failureOf(error).remedy, 'move it away')
})

t.test('details are made plain and bounded', async (t) => {
  const deep = { a: { b: { c: { d: { e: 1 } } } } }
  const details = { bytes: new Uint8Array([1, 255]), big: 2n ** 60n, call: () => 1, list: Array(500).fill(1), deep }
  const { details: plain } = problemOf(new PlexiError('STORAGE_IO', details), at)
  t.match(plain, { bytes: '01ff', big: '1152921504606846976', call: undefined })
  t.equal((plain['list'] as unknown[]).length, 200)
  t.doesNotThrow(() => JSON.stringify(plain))
})

t.test('what nobody expected', async (t) => {
  t.match(problemOf(new TypeError('x is not y'), at), { status: 500, code: 'SYSTEM_UNEXPECTED' })
  t.match(errorOfProblem({ code: 'FROM_THE_FUTURE', detail: 'new' }), { code: 'SYSTEM_UNEXPECTED', message: /new/ })
  t.match(errorOfProblem({}), { code: 'SYSTEM_UNEXPECTED' })
  t.match(failureOf(new PlexiError('STORAGE_UNRESTORABLE', { lost: 1, files: ['a'] })), {
    exitCode: 15,
    details: { files: ['a'] },
  })
})
