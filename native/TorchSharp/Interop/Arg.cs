using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace TorchSharp.Interop;

internal enum Tag : int { None, Tensor, Int, Double, Bool, Complex, IntList, DoubleList, BoolList, TensorList, String, Device, Generator }

/// <summary>The layout that ts_call reads and writes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal struct NativeValue
{
    [FieldOffset(0)] internal Tag Tag;
    [FieldOffset(4)] internal int Extra;
    [FieldOffset(8)] internal long Int;
    [FieldOffset(8)] internal double Double;
    [FieldOffset(8)] internal IntPtr Pointer;
    [FieldOffset(16)] internal long Count;
    [FieldOffset(16)] internal double Imaginary;
}

/// <summary>
/// One argument of an operator. It holds the managed object, not its handle, so that the argument array keeps every tensor
/// alive until the native call has returned.
/// </summary>
internal readonly struct Arg
{
    internal readonly object Object;
    internal readonly NativeValue Value;

    private Arg(Tag tag, object o) => (Value.Tag, Object) = (tag, o);

    private Arg(Tag tag, long i, int extra = 0) => (Value.Tag, Value.Int, Value.Extra) = (tag, i, extra);

    private Arg(double d) => (Value.Tag, Value.Double) = (Tag.Double, d);

    private Arg(double re, double im) => (Value.Tag, Value.Double, Value.Imaginary) = (Tag.Complex, re, im);

    internal static readonly Arg None;

    private static Arg Or(Tag tag, object o) => o is null ? None : new Arg(tag, o);

    public static implicit operator Arg(torch.Tensor t) => Or(Tag.Tensor, t);
    public static implicit operator Arg(long i) => new(Tag.Int, i);
    public static implicit operator Arg(long? i) => i.HasValue ? new(Tag.Int, i.Value) : None;
    public static implicit operator Arg(double d) => new(d);
    public static implicit operator Arg(double? d) => d.HasValue ? new(d.Value) : None;
    public static implicit operator Arg(bool b) => new(Tag.Bool, b ? 1 : 0);
    public static implicit operator Arg(torch.ScalarType t) => new(Tag.Int, (long)t);
    public static implicit operator Arg(torch.ScalarType? t) => t.HasValue ? new(Tag.Int, (long)t.Value) : None;
    public static implicit operator Arg(long[] list) => Or(Tag.IntList, list);
    public static implicit operator Arg(ReadOnlySpan<long> list) => new(Tag.IntList, list.ToArray());
    public static implicit operator Arg((long, long) two) => new(Tag.IntList, new[] { two.Item1, two.Item2 });
    public static implicit operator Arg((long, long, long) three) => new(Tag.IntList, new[] { three.Item1, three.Item2, three.Item3 });
    public static implicit operator Arg((long, long, long, long) four) => new(Tag.IntList, new[] { four.Item1, four.Item2, four.Item3, four.Item4 });
    public static implicit operator Arg(double[] list) => Or(Tag.DoubleList, list);
    public static implicit operator Arg(torch.Tensor[] list) => Or(Tag.TensorList, list);
    public static implicit operator Arg(string s) => Or(Tag.String, s);
    public static implicit operator Arg(torch.Generator g) => Or(Tag.Generator, g);
    public static implicit operator Arg(torch.Device d) => d is null ? None : new(Tag.Device, (long)Present(d.type), d.index);

    // Debian's libtorch has the CPU only; TorchSharp says so before libtorch is asked.
    private static DeviceType Present(DeviceType type) => type is not (DeviceType.CUDA or DeviceType.MPS)
        ? type
        : throw new InvalidOperationException($"Torch device type {type} did not initialise on the current machine.");

    public static implicit operator Arg(Scalar s) => s is null ? None : s.Type switch
    {
        torch.ScalarType.Bool => new(Tag.Bool, s.Bits != 0 ? 1 : 0),
        torch.ScalarType.Int64 => new(Tag.Int, s.Bits),
        torch.ScalarType.Float64 => new(s.Real),
        _ => new(s.Real, s.Imaginary),
    };

    internal static Arg List(IEnumerable<torch.Tensor> tensors) => tensors as torch.Tensor[] ?? tensors.ToArray();

    /// <summary>8-byte words of scratch space that the native form needs.</summary>
    internal int Scratch => Value.Tag switch
    {
        Tag.IntList => ((long[])Object).Length,
        Tag.DoubleList => ((double[])Object).Length,
        Tag.TensorList => ((torch.Tensor[])Object).Length,
        Tag.String => (((string)Object).Length * 3 + 7) / 8,
        _ => 0,
    };
}
