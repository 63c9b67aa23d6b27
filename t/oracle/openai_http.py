"""The client library of OpenAI against a stub of its API behind
protocol=openai: what it sends passes, its answers and streams come through,
and what is refused raises the client's own errors."""

import http.server
import json
import os
import sys
import threading

import openai

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

sys.path.insert(0, os.path.join(ROOT, 't', 'process'))

import nginx                                            # noqa: E402
import tally                                            # noqa: E402

check = tally.check

PIXEL = ('data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ'
         'AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')

TOOL = {'type': 'function', 'function': {
    'name': 'weather', 'description': 'the weather of a place',
    'parameters': {'type': 'object', 'properties': {
        'place': {'type': 'string'}}, 'required': ['place']}}}


class Stub(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    seen = []

    def log_message(self, *args):
        pass

    def answer(self, body, media_type='application/json'):
        self.send_response(200)
        self.send_header('Content-Type', media_type)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(json.dumps({'object': 'list', 'data': [
            {'id': 'm', 'object': 'model', 'created': 1,
             'owned_by': 'o'}]}).encode())

    def do_POST(self):
        length = int(self.headers['Content-Length'])
        request = json.loads(self.rfile.read(length))
        Stub.seen.append((self.path, request))

        if request.get('stream'):
            chunk = {'id': 'c', 'object': 'chat.completion.chunk',
                     'created': 1, 'model': 'm', 'choices': [
                         {'index': 0, 'delta': {'content': 'hi'},
                          'finish_reason': None}]}
            self.answer(('data: %s\n\n' % json.dumps(chunk) * 3
                         + 'data: [DONE]\n\n').encode(), 'text/event-stream')

        elif self.path.endswith('/chat/completions'):
            self.answer(json.dumps(
                {'id': 'c', 'object': 'chat.completion', 'created': 1,
                 'model': 'm', 'choices': [
                     {'index': 0, 'finish_reason': 'stop', 'message': {
                         'role': 'assistant', 'content': 'hello'}}]}).encode())

        else:
            self.answer(json.dumps(
                {'id': 'c', 'object': 'text_completion', 'created': 1,
                 'model': 'm', 'choices': [
                     {'index': 0, 'finish_reason': 'stop', 'logprobs': None,
                      'text': 'hello'}]}).encode())


def raised(name, call, error, param, code):
    try:
        call()
    except error as e:
        check(e.param == param and e.code == code, name,
              'param %r, code %r' % (e.param, e.code))
    except Exception as e:
        check(False, name, repr(e))
    else:
        check(False, name, 'nothing raised')


def main():
    stub = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Stub)
    stub.daemon_threads = True
    threading.Thread(target=stub.serve_forever, daemon=True).start()

    server = nginx.Nginx()
    server.configure(location='''
        location /v1/ {
            ml_validate  protocol=openai messages=4 characters=100 total=150
                         max_tokens=50 n=2 tools=2;
            proxy_pass   http://127.0.0.1:%d;
            proxy_http_version  1.1;
        }
    ''' % stub.server_address[1])
    server.start()

    client = openai.OpenAI(base_url='http://127.0.0.1:%d/v1' % server.port,
                           api_key='k', max_retries=0)
    chat = client.chat.completions.create
    user = {'role': 'user', 'content': 'hi'}

    check([m.id for m in client.models.list()] == ['m'], 'models')

    said = chat(model='m', messages=[
        {'role': 'system', 'content': 'be kind'}, user,
        {'role': 'user', 'content': [
            {'type': 'text', 'text': 'what is this'},
            {'type': 'image_url', 'image_url': {'url': PIXEL}}]}],
        temperature=0.5, top_p=1, max_tokens=50, n=2, stop=['x'], seed=7,
        user='u', tools=[TOOL], tool_choice='auto',
        response_format={'type': 'json_object'}, logit_bias={'50256': -100},
        presence_penalty=0.1, frequency_penalty=-0.1)
    check(said.choices[0].message.content == 'hello', 'a chat')
    check(Stub.seen[-1][1]['messages'][2]['content'][1]['image_url']['url']
          == PIXEL, 'the upstream gets what was sent')

    said = chat(model='m', messages=[
        user,
        {'role': 'assistant', 'content': None, 'tool_calls': [
            {'id': '1', 'type': 'function', 'function': {
                'name': 'weather', 'arguments': '{"place":"x"}'}}]},
        {'role': 'tool', 'tool_call_id': '1', 'content': 'rain'}],
        tools=[TOOL])
    check(said.choices[0].message.content == 'hello', 'a tool')

    pieces = [c.choices[0].delta.content for c in
              chat(model='m', messages=[user], stream=True,
                   stream_options={'include_usage': True})]
    check(pieces == ['hi'] * 3, 'a stream', repr(pieces))

    said = client.completions.create(model='m', prompt='say', max_tokens=5,
                                     echo=True, logprobs=2)
    check(said.choices[0].text == 'hello', 'a completion')

    bad = openai.BadRequestError
    count = len(Stub.seen)

    raised('too many messages',
           lambda: chat(model='m', messages=[user] * 5), bad, 'messages',
           'array_above_max_length')
    raised('too long', lambda: chat(model='m', messages=[
        {'role': 'user', 'content': 'x' * 101}]), bad, 'messages[0].content',
        'string_above_max_length')
    raised('too long together', lambda: chat(model='m', messages=[
        {'role': 'user', 'content': 'x' * 70}] * 2 + [user] * 2), bad,
        'messages', 'invalid_value')
    raised('max_tokens', lambda: chat(model='m', messages=[user],
                                      max_tokens=51), bad, 'max_tokens',
           'value_above_maximum')
    raised('n', lambda: chat(model='m', messages=[user], n=10 ** 6), bad, 'n',
           'value_above_maximum')
    raised('tools', lambda: chat(model='m', messages=[user],
                                 tools=[TOOL] * 3), bad, 'tools',
           'array_above_max_length')
    raised('a role', lambda: chat(model='m', messages=[
        {'role': 'robot', 'content': 'x'}]), bad, 'messages[0].role',
        'invalid_value')
    raised('an unknown field', lambda: chat(
        model='m', messages=[user], extra_body={'guided_regex': '(a+)+'}),
        bad, 'guided_regex', 'unknown_parameter')
    raised('a field that is missing', lambda: client.post(
        '/chat/completions', body={'model': 'm'}, cast_to=object), bad,
        'messages', 'missing_required_parameter')
    raised('an endpoint that is not checked', lambda:
           client.embeddings.create(model='m', input='x'),
           openai.NotFoundError, None, None)

    check(len(Stub.seen) == count, 'nothing refused reached the upstream')

    server.stop()
    stub.shutdown()
    tally.end()


main()
