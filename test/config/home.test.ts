import t from 'tap'
import { homeDirectory, homePaths } from '../../src/config/home.ts'

t.test('which home', async (t) => {
  t.equal(homeDirectory('/a', { PLEXICHAT_HOME: '/b', XDG_DATA_HOME: '/c' }, '/u'), '/a')
  t.equal(homeDirectory(undefined, { PLEXICHAT_HOME: '/b', XDG_DATA_HOME: '/c' }, '/u'), '/b')
  t.equal(homeDirectory(undefined, { XDG_DATA_HOME: '/c' }, '/u'), '/c/plexichat')
  t.equal(homeDirectory('', { XDG_DATA_HOME: 'relative' }, '/u'), '/u/.local/share/plexichat')
})

t.test('a socket path that is too long moves', async (t) => {
  t.equal(homePaths('/h', {}).socket, '/h/run/api.sock')
  const long = `/${'x'.repeat(100)}`
  t.match(homePaths(long, { XDG_RUNTIME_DIR: '/run/user/7' }).socket, /^\/run\/user\/7\/plexichat-[0-9a-f]{16}\.sock$/)
  t.match(homePaths(long, {}).socket, /^\/tmp\/plexichat-[0-9a-f]{16}\/api\.sock$/)
  t.not(homePaths(long, {}).socket, homePaths(`${long}y`, {}).socket)
})
