using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]
[assembly: InternalsVisibleTo("TorchSharp.Tests, PublicKey=0024000004800000940000000602000000240000525341310004000001000100d96d4c953061f8af002f79b12235b876e5acb9a407adbdcee174c7e909e2f26eba1fe38bfa2f51f9750340028331885ee7ee4f8dae00d84184928364d338072bf2f1c938601179fac3353101207ade5ca6c64b4cf3cbe49304445bed289c14d2363bb8f11cc4ded3229c1cb0ce3a54eaefe4cf330098ed5b90bfc319bf7c2db0")]

namespace TorchSharp.Interop;

/// <summary>The C ABI of libtorchsharp.so. Queries that neither allocate nor call back skip the GC transition.</summary>
internal static unsafe class Library
{
    private const string Name = "torchsharp";

    static Library()
    {
        try
        {
            ts_set_strict(Strict.Enabled ? 1 : 0);
        }
        catch (DllNotFoundException e)
        {
            throw new DllNotFoundException("libtorchsharp.so is not beside the application: run `./build.sh --target=Setup`, then build again.", e);
        }
        var callbacks = new AutogradCallbacks
        {
            Apply = torch.autograd.Node.ApplyCallback,
            Deleted = torch.autograd.Node.DeletedCallback,
            Collect = Strict.CollectCallback,
        };
        ts_autograd_callbacks(&callbacks);
    }

    [DllImport(Name)] internal static extern IntPtr ts_operator(byte* name);
    [DllImport(Name)] internal static extern int ts_call(IntPtr op, NativeValue* args, int count, NativeValue* results, int capacity);
    [DllImport(Name)] internal static extern void ts_free_list(IntPtr list);
    [DllImport(Name)] internal static extern byte* ts_last_error();
    [DllImport(Name)] internal static extern void ts_set_strict(int on);

    [DllImport(Name)] internal static extern void ts_release(IntPtr tensor);
    [DllImport(Name)] internal static extern IntPtr ts_alias_handle(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_dtype(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern long ts_numel(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern long ts_ndim(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern long ts_element_size(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_is_contiguous(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_requires_grad(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_is_leaf(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern long ts_storage_offset(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_is_sparse(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_device_type(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_device_index(IntPtr tensor);
    [DllImport(Name), SuppressGCTransition] internal static extern void ts_sizes(IntPtr tensor, long* sizes);
    [DllImport(Name), SuppressGCTransition] internal static extern void ts_strides(IntPtr tensor, long* strides);
    [DllImport(Name), SuppressGCTransition] internal static extern long ts_size(IntPtr tensor, long dim);
    [DllImport(Name), SuppressGCTransition] internal static extern long ts_stride(IntPtr tensor, long dim);
    [DllImport(Name)] internal static extern int ts_check_dim(IntPtr tensor, long dim);
    [DllImport(Name)] internal static extern IntPtr ts_data_ptr(IntPtr tensor);
    [DllImport(Name)] internal static extern IntPtr ts_storage_ptr(IntPtr tensor, long* bytes);
    [DllImport(Name)] internal static extern IntPtr ts_from_blob(IntPtr data, long* sizes, long ndim, int dtype, delegate* unmanaged<IntPtr, void> release, IntPtr cookie);
    [DllImport(Name)] internal static extern int ts_set_names(IntPtr tensor, IntPtr* names, long count);
    [DllImport(Name)] internal static extern IntPtr ts_flatten_names(IntPtr tensor, IntPtr* names, long count);

    [DllImport(Name)] internal static extern IntPtr ts_generator_default();
    [DllImport(Name)] internal static extern IntPtr ts_generator_new(ulong seed);
    [DllImport(Name)] internal static extern void ts_generator_release(IntPtr generator);
    [DllImport(Name)] internal static extern ulong ts_generator_initial_seed(IntPtr generator);
    [DllImport(Name)] internal static extern int ts_generator_manual_seed(IntPtr generator, ulong seed);
    [DllImport(Name)] internal static extern ulong ts_generator_seed(IntPtr generator);
    [DllImport(Name)] internal static extern IntPtr ts_generator_get_state(IntPtr generator);
    [DllImport(Name)] internal static extern int ts_generator_set_state(IntPtr generator, IntPtr state);

    [DllImport(Name)] internal static extern int ts_get_num_threads();
    [DllImport(Name)] internal static extern int ts_set_num_threads(int n);
    [DllImport(Name)] internal static extern int ts_get_num_interop_threads();
    [DllImport(Name)] internal static extern int ts_set_num_interop_threads(int n);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_is_grad_enabled();
    [DllImport(Name), SuppressGCTransition] internal static extern void ts_set_grad_enabled(int on);
    [DllImport(Name), SuppressGCTransition] internal static extern int ts_is_inference_mode();
    [DllImport(Name)] internal static extern IntPtr ts_inference_mode_enter(int on);
    [DllImport(Name)] internal static extern void ts_inference_mode_leave(IntPtr guard);

    [DllImport(Name)] internal static extern void ts_autograd_callbacks(AutogradCallbacks* callbacks);
    [DllImport(Name)] internal static extern IntPtr ts_node_new(IntPtr managed);
    [DllImport(Name)] internal static extern void ts_node_release_strong(IntPtr node);
    [DllImport(Name)] internal static extern void ts_node_release(IntPtr node);
    [DllImport(Name)] internal static extern int ts_node_set_next_edges(IntPtr node, IntPtr* inputs, long count, int executable);
    [DllImport(Name)]
    internal static extern int ts_node_wrap_outputs(
        IntPtr node, IntPtr* inputs, long inputCount, IntPtr* nonDifferentiable, long nonDifferentiableCount,
        IntPtr* dirty, long dirtyCount, IntPtr* outputs, long outputCount, IntPtr* results);
    [DllImport(Name)] internal static extern IntPtr ts_saved_new(IntPtr tensor, IntPtr node);
    [DllImport(Name)] internal static extern IntPtr ts_saved_unpack(IntPtr saved, IntPtr node);
    [DllImport(Name)] internal static extern void ts_saved_release(IntPtr saved);
    [DllImport(Name)]
    internal static extern int ts_backward(
        IntPtr* tensors, long count, IntPtr* gradients, long gradientCount, int retainGraph, int createGraph, IntPtr* inputs, long inputCount);
    [DllImport(Name)]
    internal static extern void ts_grad(
        IntPtr* outputs, long outputCount, IntPtr* inputs, long inputCount, IntPtr* gradients, long gradientCount,
        int retainGraph, int createGraph, int allowUnused, IntPtr* results);
    [DllImport(Name)] internal static extern IntPtr ts_get_grad(IntPtr tensor);
    [DllImport(Name)] internal static extern int ts_set_grad(IntPtr tensor, IntPtr gradient);
    [DllImport(Name)] internal static extern int ts_set_requires_grad(IntPtr tensor, int on);
    [DllImport(Name)] internal static extern int ts_retain_grad(IntPtr tensor);
    [DllImport(Name)] internal static extern int ts_anomaly_enabled();
    [DllImport(Name)] internal static extern int ts_anomaly_checks_nan();
    [DllImport(Name)] internal static extern void ts_set_anomaly(int on, int checkNan);

    /// <summary>The message of the last error on this thread, as TorchSharp throws it.</summary>
    internal static Exception LastError() => new ExternalException(Marshal.PtrToStringUTF8((IntPtr)ts_last_error()));

    internal static void Check(int failed)
    {
        if (failed != 0) throw LastError();
    }

    internal static IntPtr Check(IntPtr result) => result != IntPtr.Zero ? result : throw LastError();
}

/// <summary>The three functions that native code calls back.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AutogradCallbacks
{
    internal delegate* unmanaged<IntPtr, IntPtr*, int, IntPtr*, int, int> Apply;
    internal delegate* unmanaged<IntPtr, void> Deleted;
    internal delegate* unmanaged<void> Collect;
}
