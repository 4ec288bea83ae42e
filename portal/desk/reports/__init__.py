"""Custom reports across the rooms: `sources` says what can be asked for, `definitions` reads a question, `query`
answers it with the rights of whoever asks, `files` writes the answer down, `schedules` sends it by the clock."""
