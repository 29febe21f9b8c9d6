using System.Reflection;
using System.Reflection.Emit;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Every entry of the kernels that takes pointers, and those that a runner on guarded memory calls; the calls are read from the runners' own code.</summary>
internal static class GuardedEntries
{
    private const BindingFlags Everything = BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> s_codes =
        typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>What the tensor library and the span API call: a span's length is checked before its pointer is taken.</summary>
    internal static IEnumerable<string> All =>
        from type in typeof(SoftmaxKernels).Assembly.GetTypes()
        where type.Name.EndsWith("Kernels", StringComparison.Ordinal) && type is { IsAbstract: true, IsSealed: true }
        from method in type.GetMethods(Everything)
        where method.Name != nameof(CutCrossEntropyKernels.SavedFor) // of a task's sizes only
        where (method.IsPublic || method.IsAssembly) && method.GetParameters().Any(parameter => HasPointer(parameter.ParameterType))
        select NameOf(method);

    /// <summary>Called by a type that has guarded memory or by a lambda in it, or by a method that makes some.</summary>
    internal static IEnumerable<string> Guarded =>
        from type in typeof(GuardedEntries).Assembly.GetTypes()
        let has = HasGuardedMemory(type) || (type.DeclaringType is { } outer && HasGuardedMemory(outer))
        from method in type.GetMethods(Everything)
        where has || method.GetMethodBody()?.LocalVariables.Any(local => IsGuardedMemory(local.LocalType)) == true
        from called in CalledBy(method)
        where called.DeclaringType!.Assembly == typeof(SoftmaxKernels).Assembly
        select NameOf(called);

    /// <summary>The methods that a method's code names.</summary>
    internal static IEnumerable<MethodBase> CalledBy(MethodBase method)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        Type[] ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : [], ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (int at = 0; at < code.Length;)
        {
            OpCode operation = s_codes[code[at] == 0xFE ? unchecked((short)(0xFE00 | code[at + 1])) : code[at]];
            at += operation.Size;
            if (operation.OperandType == OperandType.InlineMethod)
            {
                yield return method.Module.ResolveMethod(BitConverter.ToInt32(code, at), ofType, ofMethod)!;
            }

            at += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }

    private static bool HasGuardedMemory(Type type) => type.GetFields(Everything).Any(field => IsGuardedMemory(field.FieldType));

    private static bool IsGuardedMemory(Type type) => type == typeof(GuardedPages) || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(GuardedMemory<>));

    private static bool HasPointer(Type type) => type.IsPointer
        || (type.IsByRef && HasPointer(type.GetElementType()!))
        || (type is { IsValueType: true, IsPrimitive: false, IsEnum: false } && type.Assembly == typeof(SoftmaxKernels).Assembly && type.GetFields(Everything).Any(field => field.FieldType.IsPointer));

    private static string NameOf(MethodBase method) => $"{method.DeclaringType!.Name}.{method.Name}({method.GetParameters().Length})";
}

/// <summary>No kernel goes without guard pages.</summary>
public sealed class GuardedEntriesTests
{
    [Fact]
    public void Every_entry_that_takes_pointers_is_called_on_guarded_memory()
    {
        string[] all = [.. GuardedEntries.All.Distinct()];
        Assert.Contains("SoftmaxKernels.Softmax(7)", all);
        Assert.Contains("GateKernels.TopK(2)", all);
        Assert.Contains("CutCrossEntropyKernels.ForwardBackward(8)", all);
        Assert.Empty(all.Except(GuardedEntries.Guarded));
    }

    /// <summary>All working memory beside each thread's scratch buffer is taken where a test can put pages around it.</summary>
    [Fact]
    public unsafe void Working_memory_lies_between_guard_pages_too()
    {
        using GuardedBlocks blocks = GuardedBlocks.Enter();
        float[] x = new float[4], y = new float[4];
        GemmKernels.Multiply<float, float>(x, x, y, 2, 2, 2);
        Assert.Equal(1, blocks.Count);
        Span<nint> parts = [100, 3];
        void* block = Block.Take(parts);
        ((byte*)parts[1])[3] = 0;
        Assert.Throws<Xunit.Sdk.FalseException>(() => blocks.Give(block));
    }

    [Fact]
    public void Calls_are_read_from_code()
    {
        MethodInfo method = typeof(GuardedEntriesTests).GetMethod(nameof(Calls_are_read_from_code))!;
        Assert.Contains(GuardedEntries.CalledBy(method), called => called.Name == nameof(GuardedEntries.CalledBy));
        Assert.DoesNotContain(GuardedEntries.CalledBy(method), called => called.Name == nameof(Every_entry_that_takes_pointers_is_called_on_guarded_memory));
    }
}
