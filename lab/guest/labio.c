// SPDX-License-Identifier: GPL-2.0-only
/* The lab's way out of the emulated machine: I/O ports that cost one instruction a byte. */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONSOLE_PORT	0xe9	/* Bochs prints what is written here */
#define PRINTER_DATA	0x378	/* and appends this to a file, */
#define PRINTER_CONTROL	0x37a	/* one byte per strobe */
#define SHUTDOWN_PORT	0x8900	/* and ends at once after the word "Shutdown" here */

#define PRINTER_ONLINE	0x08
#define PRINTER_STROBE	0x01

static void console_write(const char *data, size_t len)
{
	outsb(CONSOLE_PORT, data, len);
}

static void printer_write(const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		outb(data[i], PRINTER_DATA);
		outb(PRINTER_ONLINE | PRINTER_STROBE, PRINTER_CONTROL);
		outb(PRINTER_ONLINE, PRINTER_CONTROL);
	}
}

/* Returns at the end of the data, or when a read is interrupted or would block. */
static void copy(int fd, void (*out)(const char *, size_t))
{
	static char buffer[65536];
	ssize_t len;

	while ((len = read(fd, buffer, sizeof(buffer))) > 0)
		out(buffer, len);
}

static void child_ended(int sig)
{
	(void)sig;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void become(char **argv, const int *fds)
{
	setsid();
	dup2(fds[1], STDOUT_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[0]);
	close(fds[1]);
	/* It would cost the job's programs 100 instructions on each return from a system call. */
	iopl(0);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* The end of the command counts, not of the pipe: it may leave processes behind that hold it. */
static int run(char **argv)
{
	struct sigaction on_child = { .sa_handler = child_ended };
	struct pollfd pipe_end = { .events = POLLIN };
	sigset_t blocked, unblocked;
	int fds[2], status;
	pid_t pid;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &unblocked);
	sigaction(SIGCHLD, &on_child, NULL);
	if (pipe(fds))
		return 125;
	pid = fork();
	if (pid < 0)
		return 125;
	if (!pid) {
		sigprocmask(SIG_SETMASK, &unblocked, NULL);
		become(argv, fds);
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	pipe_end.fd = fds[0];
	while (waitpid(pid, &status, WNOHANG) != pid) {
		ppoll(&pipe_end, 1, NULL, &unblocked);
		copy(fds[0], console_write);
		if (pipe_end.revents & POLLHUP)
			pipe_end.fd = -1;
	}
	copy(fds[0], console_write);
	return exit_status(status);
}

int main(int argc, char **argv)
{
	if (iopl(3)) {
		perror("labio: iopl");
		return 125;
	}
	if (argc > 2 && !strcmp(argv[1], "run"))
		return run(argv + 2);
	if (argc == 2 && !strcmp(argv[1], "send")) {
		outb(PRINTER_ONLINE, PRINTER_CONTROL);
		copy(STDIN_FILENO, printer_write);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "off"))
		outsb(SHUTDOWN_PORT, "Shutdown", 8);
	fputs("usage: labio run COMMAND... | send | off\n", stderr);
	return 2;
}
