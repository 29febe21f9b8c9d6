using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.Interop.Library;

namespace TorchSharp.Interop;

/// <summary>
/// Calls libtorch's operators by name ("add.Tensor"). Missing trailing arguments take the schema's defaults, and an integer is
/// taken where the schema wants a float, a list of one, or an enumeration.
/// </summary>
internal static unsafe class Native
{
    // Names are literals, so the reference identifies the name: no hashing of text on the hot path.
    private static readonly ConcurrentDictionary<string, IntPtr> Operators = new(new ByReference());

    private sealed class ByReference : IEqualityComparer<string>
    {
        public bool Equals(string x, string y) => ReferenceEquals(x, y);

        public int GetHashCode(string s) => RuntimeHelpers.GetHashCode(s);
    }

    private static IntPtr Find(string name)
    {
        if (Operators.TryGetValue(name, out var op)) return op;
        fixed (byte* text = Encoding.UTF8.GetBytes(name + "\0"))
        {
            op = ts_operator(text);
            if (op == IntPtr.Zero) throw LastError();
        }
        return Operators[name] = op;
    }

    /// <summary>An operator with one tensor as its result.</summary>
    internal static torch.Tensor Call(string name, params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(name, args, &result, 1);
        return new torch.Tensor(result.Pointer);
    }

    /// <summary>
    /// An operator whose errors TorchSharp's native code does not catch, so that the process ends. Here it ends in strict mode; without it
    /// the error is thrown as every other.
    /// </summary>
    internal static torch.Tensor CallUncaught(string name, params ReadOnlySpan<Arg> args)
    {
        try
        {
            return Call(name, args);
        }
        catch (ExternalException e) when (Strict.Enabled)
        {
            throw Strict.Terminated(e);
        }
    }

    internal static (torch.Tensor, torch.Tensor) Call2Uncaught(string name, params ReadOnlySpan<Arg> args)
    {
        try
        {
            return Call2(name, args);
        }
        catch (ExternalException e) when (Strict.Enabled)
        {
            throw Strict.Terminated(e);
        }
    }

    /// <summary>An operator with two tensors as its result.</summary>
    internal static (torch.Tensor, torch.Tensor) Call2(string name, params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[2];
        Invoke(name, args, results, 2);
        return (new torch.Tensor(results[0].Pointer), new torch.Tensor(results[1].Pointer));
    }

    /// <summary>An operator with three tensors as its result.</summary>
    internal static (torch.Tensor, torch.Tensor, torch.Tensor) Call3(string name, params ReadOnlySpan<Arg> args)
    {
        var results = stackalloc NativeValue[3];
        Invoke(name, args, results, 3);
        return (new torch.Tensor(results[0].Pointer), new torch.Tensor(results[1].Pointer), new torch.Tensor(results[2].Pointer));
    }

    /// <summary>An operator with a list of tensors as its result.</summary>
    internal static torch.Tensor[] CallList(string name, params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(name, args, &result, 1);
        var tensors = new torch.Tensor[result.Count];
        for (var i = 0; i < tensors.Length; i++) tensors[i] = new torch.Tensor(((IntPtr*)result.Pointer)[i]);
        ts_free_list(result.Pointer);
        return tensors;
    }

    /// <summary>An operator whose result is a number or a truth value.</summary>
    internal static Scalar CallScalar(string name, params ReadOnlySpan<Arg> args)
    {
        NativeValue result;
        Invoke(name, args, &result, 1);
        return result.Tag switch
        {
            Tag.Int => new Scalar(result.Int),
            Tag.Bool => new Scalar(result.Int != 0),
            Tag.Double => new Scalar(result.Double),
            _ => new Scalar(result.Double, result.Imaginary),
        };
    }

    /// <summary>An operator called for its effect.</summary>
    internal static void Run(string name, params ReadOnlySpan<Arg> args) => Invoke(name, args, null, 0);

    private const int StackWords = 512;

    private static void Invoke(string name, ReadOnlySpan<Arg> args, NativeValue* results, int capacity)
    {
        var op = Find(name);
        var values = stackalloc NativeValue[args.Length];
        var words = 0;
        for (var i = 0; i < args.Length; i++) words += args[i].Scratch;
        var small = stackalloc long[words <= StackWords ? words : 0];
        var scratch = words <= StackWords ? small : (long*)NativeMemory.Alloc((nuint)words, sizeof(long));
        int produced;
        try
        {
            var next = scratch;
            for (var i = 0; i < args.Length; i++) values[i] = Marshalled(in args[i], ref next);
            produced = ts_call(op, values, args.Length, results, capacity);
        }
        finally
        {
            if (words > StackWords) NativeMemory.Free(scratch);
        }
        if (produced == -2) throw new NullReferenceException($"{name}: a tensor is null");
        if (produced < 0) throw LastError();
    }

    private static NativeValue Marshalled(in Arg arg, ref long* scratch)
    {
        var value = arg.Value;
        switch (value.Tag)
        {
            case Tag.Tensor:
                value.Pointer = Unsafe.As<torch.Tensor>(arg.Object).Handle;
                break;
            case Tag.Generator:
                value.Pointer = Unsafe.As<torch.Generator>(arg.Object).Handle;
                break;
            case Tag.IntList:
                var ints = (long[])arg.Object;
                value.Pointer = (IntPtr)scratch;
                value.Count = ints.Length;
                foreach (var i in ints) *scratch++ = i;
                break;
            case Tag.DoubleList:
                var doubles = (double[])arg.Object;
                value.Pointer = (IntPtr)scratch;
                value.Count = doubles.Length;
                foreach (var d in doubles) *scratch++ = BitConverter.DoubleToInt64Bits(d);
                break;
            case Tag.TensorList:
                var tensors = (torch.Tensor[])arg.Object;
                value.Pointer = (IntPtr)scratch;
                value.Count = tensors.Length;
                foreach (var t in tensors) *scratch++ = t is null ? 0 : t.Handle;
                break;
            case Tag.String:
                var text = (string)arg.Object;
                value.Pointer = (IntPtr)scratch;
                value.Count = Encoding.UTF8.GetBytes(text, new Span<byte>(scratch, arg.Scratch * sizeof(long)));
                scratch += arg.Scratch;
                break;
        }
        return value;
    }
}
