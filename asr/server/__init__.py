"""One model for many clients: OpenAI's REST, vosk-server's WebSocket, Wyoming, and a page.

    connection -> limits -> a protocol's file -> service -> fair pools of threads -> the recognizer

`fair_pool` shares the cores among clients, `service` transcribes for all protocols, and each
protocol has a file of its own. Public: `main.serve`, which runs all of it.
"""
