using System.Runtime.InteropServices;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace TorchSharp.Tests.Autograd;

/// <summary>What a typed entry hands to forward, to give back what must live until apply has returned.</summary>
internal sealed class Box
{
    private readonly List<Tensor> _owned = [];
    private List<Tensor>? _saved;

    public void Own(params Tensor[] raw) => _owned.AddRange(raw);

    public void Saved(List<Tensor> saved) => _saved = saved;

    public void Close()
    {
        _saved?.Clear();
        _owned.ForEach(t => t.Dispose());
    }
}

/// <summary>Returned gradients, kept until the next call on the thread: the engine reads them after backward has returned.</summary>
internal static class Parked
{
    [ThreadStatic]
    private static List<Tensor>? t_gradients;

    public static List<Tensor> Return(params Tensor?[] gradients)
    {
        Release();
        List<Tensor> all = [.. gradients.Select(g => g!)];
        t_gradients = all.FindAll(t => t is not null);
        return all;
    }

    public static void Release()
    {
        t_gradients?.ForEach(t => t.Dispose());
        t_gradients = null;
    }
}

/// <summary>Loops over raw memory: what an operator library's kernel is to the stand-in.</summary>
internal static class RawLoop
{
    public static Tensor Map(Tensor x, Func<double, double> f)
    {
        using Tensor dense = x.contiguous();
        Tensor y = empty(dense.shape, dtype: ScalarType.Float64);
        Span<double> to = MemoryMarshal.Cast<byte, double>(y.bytes);
        Span<double> from = MemoryMarshal.Cast<byte, double>(dense.bytes);
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = f(from[i]);
        }

        GC.KeepAlive(dense);
        return y;
    }

    public static Tensor Map(Tensor a, Tensor b, Func<double, double, double> f)
    {
        using Tensor denseB = b.contiguous();
        using Tensor y = empty(denseB.shape, dtype: ScalarType.Float64);
        int i = 0;
        double[] values = MemoryMarshal.Cast<byte, double>(denseB.bytes).ToArray();
        GC.KeepAlive(denseB);
        return Map(a, x => f(x, values[i++]));
    }
}

/// <summary>y = scale x, with a backward that may be told another factor: for tests that look at a wrong gradient.</summary>
internal sealed class CleanScale : SingleTensorFunction<CleanScale>
{
    public override string Name => nameof(CleanScale);

    public static Tensor Run(Tensor x, double scale, double backwardScale)
    {
        var box = new Box();
        try
        {
            return apply(x, scale, backwardScale, box);
        }
        finally
        {
            box.Close();
        }
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.set_materialize_grads(false);
        ctx.save_data("scale", vars[2]);
        double scale = (double)vars[1];
        Tensor y = RawLoop.Map((Tensor)vars[0], v => scale * v);
        ((Box)vars[3]).Own(y);
        return y;
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        double scale = (double)ctx.get_data("scale");
        using (grad_output)
        {
            return Parked.Return(RawLoop.Map(grad_output, g => scale * g), null, null, null);
        }
    }
}

/// <summary>y = x², every rule kept: what it returns and saves is held or disposed as the engine needs it.</summary>
internal sealed class CleanSquare : SingleTensorFunction<CleanSquare>
{
    public override string Name => nameof(CleanSquare);

    public static Tensor Run(Tensor x)
    {
        var box = new Box();
        try
        {
            return apply(x, box);
        }
        finally
        {
            box.Close();
        }
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        var x = (Tensor)vars[0];
        var box = (Box)vars[1];
        ctx.set_materialize_grads(false);
        List<Tensor> saved = [x];
        ctx.save_for_backward(saved);
        box.Saved(saved);
        Tensor y = RawLoop.Map(x, v => v * v);
        box.Own(y);
        return y;
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using Tensor x = ctx.get_saved_variables()[0];
        using (grad_output)
        {
            return Parked.Return(RawLoop.Map(x, grad_output, (v, g) => 2 * v * g), null);
        }
    }
}

/// <summary>
/// The last tensors that a function returned on this thread. They are read after the managed call has returned, and a collection
/// in between would take them; the functions below are about other rules.
/// </summary>
internal static class Held
{
    [ThreadStatic]
    private static List<Tensor>? t_forward;

    [ThreadStatic]
    private static List<Tensor>? t_backward;

    public static List<Tensor> Outputs(List<Tensor> raw) => t_forward = raw;

    public static List<Tensor> Gradients(List<Tensor> gradients) => t_backward = gradients;
}

/// <summary>y = x³ whose backward is a function of its own, so that it has a second derivative.</summary>
internal sealed class Cube : SingleTensorFunction<Cube>
{
    public override string Name => nameof(Cube);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.save_for_backward([(Tensor)vars[0]]);
        return Held.Outputs([RawLoop.Map((Tensor)vars[0], x => x * x * x)])[0];
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) =>
        Held.Gradients([CubeBackward.apply(ctx.get_saved_variables()[0], grad_output)]);
}

/// <summary>dx = 3 x² dy.</summary>
internal sealed class CubeBackward : SingleTensorFunction<CubeBackward>
{
    public override string Name => nameof(CubeBackward);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.save_for_backward([(Tensor)vars[0], (Tensor)vars[1]]);
        return Held.Outputs([RawLoop.Map((Tensor)vars[0], (Tensor)vars[1], (x, g) => 3 * x * x * g)])[0];
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        List<Tensor> saved = ctx.get_saved_variables();
        using Tensor six = RawLoop.Map(saved[0], saved[1], (x, g) => 6 * x * g);
        return Held.Gradients(
        [
            RawLoop.Map(six, grad_output, (s, g) => s * g),
            RawLoop.Map(saved[0], grad_output, (x, g) => 3 * x * x * g),
        ]);
    }
}

/// <summary>A function of one tensor made of two lambdas: for tests that look at one rule at a time.</summary>
internal sealed class Lambda : SingleTensorFunction<Lambda>
{
    public delegate Tensor Forward(AutogradContext ctx, object[] vars);

    public delegate List<Tensor> Backward(AutogradContext ctx, Tensor grad_output);

    public override string Name => nameof(Lambda);

    public static Tensor Run(Forward forward, Backward backward, params object[] vars) => apply([.. vars, forward, backward]);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        ctx.save_data("backward", vars[^1]);
        return Held.Outputs([((Forward)vars[^2])(ctx, vars)])[0];
    }

    // The two lambdas are arguments as well: they get their null.
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output) =>
        Held.Gradients([.. ((Backward)ctx.get_data("backward"))(ctx, grad_output), null!, null!]);
}

/// <summary>The same, with several outputs.</summary>
internal sealed class Lambdas : MultiTensorFunction<Lambdas>
{
    public delegate List<Tensor> Forward(AutogradContext ctx, object[] vars);

    public delegate List<Tensor> Backward(AutogradContext ctx, List<Tensor> grad_outputs);

    public override string Name => nameof(Lambdas);

    public static List<Tensor> Run(Forward forward, Backward backward, params object[] vars) => apply([.. vars, forward, backward]);

    public override List<Tensor> forward(AutogradContext ctx, params object[] vars)
    {
        ctx.save_data("backward", vars[^1]);
        return Held.Outputs(((Forward)vars[^2])(ctx, vars));
    }

    public override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs) =>
        Held.Gradients([.. ((Backward)ctx.get_data("backward"))(ctx, grad_outputs), null!, null!]);
}
