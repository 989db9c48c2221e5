// A PostgreSQL server for tests: PGlite with pgvector behind a loopback port.
//
// PGlite is one session. A connection has it from its first message until the
// server is ready for its next query outside of a transaction; the others wait.
// So every transaction is alone, and what a session keeps beyond one (settings,
// named statements) is shared by all connections.
import net from 'node:net'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'

const [port] = process.argv.slice(2)
const db = await PGlite.create({ extensions: { vector } })

let owner = null
const waiting = []

function acquire(connection) {
  if (owner === null) owner = connection
  if (owner === connection) return Promise.resolve()
  return new Promise((resolve) => waiting.push({ connection, resolve }))
}

function release() {
  const next = waiting.shift()
  owner = next ? next.connection : null
  next?.resolve()
}

const sslRequest = 80877103
const cancelRequest = 80877102
const terminate = 'X'.charCodeAt(0)
const readyForQuery = 'Z'.charCodeAt(0)
const idle = 'I'.charCodeAt(0)

net.createServer((socket) => {
  socket.setNoDelay(true)
  let received = [] // chunks, which are put together when a message is whole
  let size = 0
  let started = false
  let ended = false
  let running = false
  const connection = {}

  // take returns the next whole message, null if there is none yet.
  function take() {
    const header = started ? 5 : 4
    if (size < header) return null
    if (received[0].length < header) received = [Buffer.concat(received)]
    const length = header - 4 + received[0].readInt32BE(header - 4)
    if (size < length) return null
    const all = received.length === 1 ? received[0] : Buffer.concat(received)
    received = all.length > length ? [all.subarray(length)] : []
    size -= length
    return all.subarray(0, length)
  }

  async function execute(message) {
    await acquire(connection)
    const answer = Buffer.from(await db.execProtocolRaw(message))
    if (!ended) socket.write(answer)
    if (answer.length >= 6 && answer.at(-6) === readyForQuery && answer.at(-1) === idle) release()
  }

  async function run() {
    if (running) return
    running = true
    for (let message; !ended && (message = take()) !== null; ) {
      if (!started) {
        const code = message.readInt32BE(4)
        if (code === sslRequest) { socket.write('N'); continue }
        if (code === cancelRequest) { socket.end(); break } // there is no process to signal
        started = true
      } else if (message[0] === terminate) {
        socket.end()
        break
      }
      await execute(message)
    }
    running = false
    if (ended) await abandon()
  }

  // abandon undoes what a connection that has gone has left open.
  async function abandon() {
    if (owner !== connection || running) return
    await db.exec('ROLLBACK')
    release()
  }

  socket.on('data', (data) => { received.push(data); size += data.length; run().catch(fail) })
  socket.on('error', () => {})
  socket.on('close', () => { ended = true; abandon().catch(fail) })
}).listen(Number(port), '127.0.0.1', () => console.log('ready'))

function fail(error) {
  console.error(error)
  process.exit(1)
}
