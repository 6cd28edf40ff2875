// SPDX-License-Identifier: GPL-2.0
/*
 * KVM_GET_STATS_FD: the counters of stats.h as a file in the binary format of
 * <linux/kvm.h>. Counters have one writer each and are read as they are; the file holds
 * a reference to the VM.
 */
#include <linux/anon_inodes.h>
#include <linux/build_bug.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "umbra.h"

#define UM_STATS_NAME	48	/* bytes of a name, with its end */

/* struct kvm_stats_desc with a name of fixed size. */
struct um_stats_desc {
	__u32 flags;
	__s16 exponent;
	__u16 size;
	__u32 offset;
	__u32 bucket_size;
	char name[UM_STATS_NAME];
};

#define UM_STATS_DESC(_name, _kind, _offset) {						\
	.flags = KVM_STATS_TYPE_##_kind | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10,	\
	.size = 1,									\
	.offset = (_offset),								\
	.name = _name,									\
}

#define UM_STATS_EXIT(x) \
	UM_STATS_DESC("exits_" #x, CUMULATIVE, offsetof(struct um_vcpu_stats, exit.x)),
#define UM_STATS_VCPU(x) \
	UM_STATS_DESC(#x, CUMULATIVE, offsetof(struct um_vcpu_stats, x)),
#define UM_STATS_VM(x) \
	UM_STATS_DESC(#x, CUMULATIVE, offsetof(struct um_vm_stats, x)),
#define UM_STATS_VM_GAUGE(x) \
	UM_STATS_DESC(#x, INSTANT, offsetof(struct um_vm_stats, x)),

static const struct um_stats_desc um_vcpu_descs[] = {
	UM_EXIT_CAUSES(UM_STATS_EXIT)
	UM_VCPU_COUNTERS(UM_STATS_VCPU)
};

static const struct um_stats_desc um_vm_descs[] = {
	UM_VM_COUNTERS(UM_STATS_VM)
	UM_VM_GAUGES(UM_STATS_VM_GAUGE)
};

static_assert(offsetof(struct um_stats_desc, name) == offsetof(struct kvm_stats_desc, name));

/* The file: header, id, descriptors and data, one behind the other. */
struct um_stats_file {
	struct um_vm *vm;
	struct kvm_stats_header header;
	char id[UM_STATS_NAME];
	const struct um_stats_desc *descs;
	const void *data;
};

/* Copy what of the file's part [@start, @start + @len) lies at *@pos; moves *@pos and @user on. */
static int um_stats_part(char __user **user, size_t *left, loff_t *pos, size_t start,
			 const void *part, size_t len)
{
	size_t skip, n;

	if (*pos < start || *pos >= start + len)
		return 0;
	skip = *pos - start;
	n = min(*left, len - skip);
	if (copy_to_user(*user, part + skip, n))
		return -EFAULT;
	*user += n;
	*left -= n;
	*pos += n;
	return 0;
}

static ssize_t um_stats_read(struct file *file, char __user *user, size_t size, loff_t *ppos)
{
	struct um_stats_file *s = file->private_data;
	const struct kvm_stats_header *h = &s->header;
	size_t descs = h->num_desc * sizeof(*s->descs);
	size_t left = size;
	loff_t pos = *ppos;

	if (pos < 0)
		return -EINVAL;
	if (um_stats_part(&user, &left, &pos, 0, h, sizeof(*h)) ||
	    um_stats_part(&user, &left, &pos, h->id_offset, s->id, sizeof(s->id)) ||
	    um_stats_part(&user, &left, &pos, h->desc_offset, s->descs, descs) ||
	    um_stats_part(&user, &left, &pos, h->data_offset, s->data, h->num_desc * sizeof(u64)))
		return -EFAULT;
	*ppos = pos;
	return size - left;
}

static int um_stats_release(struct inode *inode, struct file *file)
{
	struct um_stats_file *s = file->private_data;

	um_vm_put(s->vm);
	kfree(s);
	return 0;
}

static const struct file_operations um_stats_fops = {
	.owner = THIS_MODULE,
	.read = um_stats_read,
	.release = um_stats_release,
	.llseek = noop_llseek,
};

static struct um_stats_file *um_stats_alloc(struct um_vm *vm, const struct um_stats_desc *descs,
					    u32 n, const void *data)
{
	struct um_stats_file *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);

	if (!s)
		return NULL;
	s->vm = vm;
	s->descs = descs;
	s->data = data;
	s->header.name_size = UM_STATS_NAME;
	s->header.num_desc = n;
	s->header.id_offset = sizeof(s->header);
	s->header.desc_offset = s->header.id_offset + sizeof(s->id);
	s->header.data_offset = s->header.desc_offset + n * sizeof(*descs);
	return s;
}

/* Takes @s over. */
static long um_stats_fd(const char *name, struct um_stats_file *s)
{
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0) {
		kfree(s);
		return fd;
	}
	file = anon_inode_getfile(name, &um_stats_fops, s, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kfree(s);
		return PTR_ERR(file);
	}
	um_vm_get(s->vm);
	file->f_mode |= FMODE_PREAD;
	fd_install(fd, file);
	return fd;
}

long um_vm_stats_fd(struct um_vm *vm)
{
	struct um_stats_file *s;

	s = um_stats_alloc(vm, um_vm_descs, ARRAY_SIZE(um_vm_descs), &vm->stats);
	if (!s)
		return -ENOMEM;
	snprintf(s->id, sizeof(s->id), "kvm-%d", vm->pid);
	return um_stats_fd("kvm-vm-stats", s);
}

long um_vcpu_stats_fd(struct um_vcpu *vcpu)
{
	struct um_stats_file *s;

	s = um_stats_alloc(vcpu->vm, um_vcpu_descs, ARRAY_SIZE(um_vcpu_descs), &vcpu->stats);
	if (!s)
		return -ENOMEM;
	snprintf(s->id, sizeof(s->id), "kvm-%d/vcpu-%u", vcpu->vm->pid, vcpu->id);
	return um_stats_fd("kvm-vcpu-stats", s);
}
