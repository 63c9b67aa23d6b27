"""Load from clients that check every answer."""

import http.client
import threading

import nginx


class Load:
    """Clients that ask one thing after another, each on its connection.

    answers   requests that ended, in whichever way
    failed    those that got no 200, or a wrong one: what came instead
    wrong     those that got a 200 with the result of another request
    broken    for each connection that broke while its client waited, the pid
              of its worker: that happens when a worker is killed or, to idle
              connections, quits.  The client asks again on another one.
    """

    def __init__(self, server, clients, body):
        self.server = server
        self.body = body
        self.stopping = False
        self.answers = 0
        self.broken = []
        self.failed = []
        self.wrong = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(i,))
                        for i in range(clients)]

        for thread in self.threads:
            thread.start()

    def run(self, i):
        connection = None
        n = 0

        while not self.stopping:
            n += 1

            if connection is None:
                connection, worker = self.connect()

                if connection is None:
                    break

            body = dict(self.body, x=self.body['x'][:2] + [i, n])

            try:
                answer = nginx.ask(connection, 'POST', '/infer', body)

            except (http.client.RemoteDisconnected, ConnectionResetError,
                    BrokenPipeError):
                self.broken.append(worker)
                connection.close()
                connection = None
                continue

            except (OSError, http.client.HTTPException) as e:
                self.note(False, repr(e))
                connection.close()
                connection = None
                continue

            right = answer.status == 200 and answer.json()['y'][2:] == [i, n]
            self.note(right, answer)

            if answer.status == 200 and not right:
                self.wrong.append(answer)

            if answer.headers.get('Connection') == 'close':
                connection.close()
                connection = None

        if connection:
            connection.close()

    def connect(self):
        """A connection, and which worker's it is."""
        while not self.stopping:
            connection = http.client.HTTPConnection(
                '127.0.0.1', self.server.port, timeout=30)

            try:
                answer = nginx.ask(connection, 'GET', '/worker')
                return connection, int(answer.body)

            except (OSError, http.client.HTTPException):
                # killed between accept() and the answer
                connection.close()

        return None, None

    def note(self, right, detail):
        with self.lock:
            self.answers += 1

            if not right:
                self.failed.append(detail)

    def more(self, n, seconds=20):
        """Waits for so many further answers."""
        want = self.answers + n
        return nginx.wait(lambda: self.answers >= want, seconds)

    def stop(self):
        self.stopping = True

        for thread in self.threads:
            thread.join(30)
