using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Tensors;

/// <summary>Dispose scopes end the tensors made in them, and only those, as in the real TorchSharp.</summary>
public class DisposeScopeTests
{
    [Fact]
    public void A_scope_disposes_what_was_made_in_it()
    {
        Tensor outside = ones(2);
        Tensor inside;
        using (NewDisposeScope())
        {
            inside = outside + 1;
            Assert.False(inside.IsInvalid);
        }

        Assert.True(inside.IsInvalid);
        Assert.False(outside.IsInvalid);
        outside.Dispose();
    }

    [Fact]
    public void An_alias_is_the_same_tensor_under_another_handle()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2).requires_grad_();
        using (Tensor alias = x.alias())
        {
            Assert.True(alias.is_leaf);
            autograd.backward(alias.sum());
        }

        Assert.Equal([1f, 1f], x.grad.data<float>().ToArray());
        Assert.Equal([3f, 3f], autograd.grad([(x * 3).sum()], [x.alias()])[0].data<float>().ToArray());
    }

    [Fact]
    public void A_tensor_moved_out_lives_as_long_as_the_outer_scope()
    {
        Tensor moved;
        using (NewDisposeScope())
        {
            using (NewDisposeScope())
            {
                moved = ones(2).MoveToOuterDisposeScope();
            }

            Assert.False(moved.IsInvalid);
        }

        Assert.True(moved.IsInvalid);
    }

    [Fact]
    public void A_tensor_moved_out_of_the_outermost_scope_is_free()
    {
        Tensor moved;
        using (NewDisposeScope())
        {
            moved = ones(2).MoveToOuterDisposeScope();
        }

        Assert.False(moved.IsInvalid);
        moved.Dispose();
    }

    [Fact]
    public void A_detached_tensor_belongs_to_no_scope()
    {
        Tensor detached;
        using (DisposeScope outer = NewDisposeScope())
        {
            using DisposeScope inner = NewDisposeScope();
            detached = ones(2).DetachFromDisposeScope();
            Assert.Equal(0, inner.DisposablesCount);
            Assert.Equal(0, outer.DisposablesCount);
        }

        Assert.False(detached.IsInvalid);
        detached.Dispose();
    }

    [Fact]
    public void An_attached_tensor_belongs_to_that_scope()
    {
        Tensor free = ones(2);
        using (DisposeScope scope = NewDisposeScope())
        {
            scope.Attach(free);
            Assert.True(scope.Contains(free));
        }

        Assert.True(free.IsInvalid);
    }

    [Fact]
    public void A_tensor_moves_to_the_scope_of_another()
    {
        using DisposeScope outer = NewDisposeScope();
        Tensor here = ones(2);
        Tensor there;
        using (NewDisposeScope())
        {
            there = ones(2).MoveToOtherDisposeScope(here);
        }

        Assert.False(there.IsInvalid);
        Assert.True(outer.Contains(there));
    }

    [Fact]
    public void Everything_but_some_can_be_disposed_at_once()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = ones(2);
        Tensor b = ones(2);
        Tensor c = ones(2);
        scope.DisposeEverythingBut(b);
        Assert.Equal([true, false, true], [a.IsInvalid, b.IsInvalid, c.IsInvalid]);
        Assert.Equal(1, scope.DisposablesCount);
        scope.DisposeEverything();
        Assert.True(b.IsInvalid);
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void A_tensor_disposed_by_hand_leaves_its_scope()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = ones(2);
        Assert.Equal(1, scope.DisposablesCount);
        a.Dispose();
        Assert.Equal(0, scope.DisposablesCount);
    }

    [Fact]
    public void A_wrapped_expression_keeps_its_result_and_no_intermediate()
    {
        using DisposeScope outer = NewDisposeScope();
        Tensor? intermediate = null;
        Tensor result = WrappedTensorDisposeScope(() =>
        {
            intermediate = ones(2);
            return intermediate * 3;
        });
        Assert.True(intermediate!.IsInvalid);
        Assert.Equal(3, result[0].ToSingle());
        Assert.True(outer.Contains(result));
    }

    [Fact]
    public void Scopes_are_their_threads_own()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? elsewhere = null;
        DisposeScope? current = scope;
        var thread = new Thread(() =>
        {
            current = CurrentDisposeScope;
            elsewhere = ones(2);
        });
        thread.Start();
        thread.Join();
        Assert.Null(current);
        Assert.Equal(0, scope.DisposablesCount);
        scope.DisposeEverything();
        Assert.False(elsewhere!.IsInvalid);
        elsewhere.Dispose();
    }

    [Fact]
    public void The_innermost_scope_is_the_current_one()
    {
        Assert.Null(CurrentDisposeScope);
        using (DisposeScope outer = NewDisposeScope())
        {
            using (DisposeScope inner = NewDisposeScope())
            {
                Assert.Same(inner, CurrentDisposeScope);
            }

            Assert.Same(outer, CurrentDisposeScope);
        }

        Assert.Null(CurrentDisposeScope);
    }
}
